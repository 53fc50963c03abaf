"""Examples of the AWS WAF kinds; the web ACLs are the user's."""

from __future__ import annotations

import dataclasses

from example import Example
from examples_apigateway import stage
from examples_awslambda import load_balancer
from web_acls import FIRST, SECOND

from batchctl.engine.plan import Action
from batchctl.resources.wafv2 import WebAclAssociation

association = WebAclAssociation(
    label="api", name="batchapp-api", web_acl_arn=FIRST, guarded=load_balancer
)

EXAMPLES = [
    Example(association, dataclasses.replace(association, web_acl_arn=SECOND)),
    Example(
        dataclasses.replace(association, label="stage", guarded=stage),
        dataclasses.replace(association, label="stage"),
        Action.REPLACE,
    ),
]
