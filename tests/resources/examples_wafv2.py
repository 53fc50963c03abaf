"""Examples of the AWS WAF kinds; the web ACL is the user's (`web_acl` makes one)."""

from __future__ import annotations

import dataclasses

from example import Example
from examples_apigateway import stage
from examples_awslambda import load_balancer

from batchctl.engine.plan import Action
from batchctl.resources.wafv2 import WebAclAssociation

REGIONAL = "arn:aws:wafv2:us-east-1:123456789012:regional/webacl"
association = WebAclAssociation(
    label="api", name="batchapp-api", web_acl_arn=f"{REGIONAL}/first/1", guarded=load_balancer
)

EXAMPLES = [
    Example(association, dataclasses.replace(association, web_acl_arn=f"{REGIONAL}/second/2")),
    Example(
        dataclasses.replace(association, label="stage", guarded=stage),
        dataclasses.replace(association, label="stage"),
        Action.REPLACE,
    ),
]
