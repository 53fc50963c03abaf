"""Web ACLs of the user's in moto, whose ids are known before."""

from __future__ import annotations

from typing import Any

from moto.wafv2.models import wafv2_backends

from batchctl.aws.session import Aws

FIRST, SECOND = (
    f"arn:aws:wafv2:us-east-1:123456789012:regional/webacl/{each}"
    for each in ("first/1", "second/2")
)
VISIBILITY: Any = {
    "SampledRequestsEnabled": False,
    "CloudWatchMetricsEnabled": False,
    "MetricName": "all",
}


def make_web_acls(aws: Aws) -> None:
    """Make both, as the user does."""
    client: Any = aws.connection.client("wafv2")
    for arn in (FIRST, SECOND):
        made = client.create_web_acl(
            Name=arn.split("/")[-2],
            Scope="REGIONAL",
            DefaultAction={"Allow": {}},
            VisibilityConfig=VISIBILITY,
        )["Summary"]["ARN"]
        backend = wafv2_backends[aws.account][aws.region]
        backend.wacls[arn] = backend.wacls.pop(made)
        backend.wacls[arn].arn = arn
