"""Web ACLs of the user's in moto, whose ids are known before."""

from __future__ import annotations

from typing import Any

from moto.wafv2.models import wafv2_backends

from batchctl.aws.session import Aws

VISIBILITY: Any = {
    "SampledRequestsEnabled": False,
    "CloudWatchMetricsEnabled": False,
    "MetricName": "all",
}


def make_web_acl(aws: Aws, arn: str) -> None:
    """Make the web ACL with that ARN (`…:regional/webacl/NAME/ID`)."""
    made = aws.wafv2.create_web_acl(
        Name=arn.split("/")[-2],
        Scope="REGIONAL",
        DefaultAction={"Allow": {}},
        VisibilityConfig=VISIBILITY,
    )["Summary"]["ARN"]
    backend = wafv2_backends[aws.account][aws.region]
    acl = backend.wacls.pop(made)
    acl.arn = arn
    backend.wacls[arn] = acl
