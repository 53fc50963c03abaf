"""The user's web ACL in front of either front door."""

from __future__ import annotations

from batchctl.config import Config
from batchctl.resources.apigateway.stages import Stage
from batchctl.resources.elbv2.load_balancers import LoadBalancer
from batchctl.resources.wafv2 import WebAclAssociation


def web_acl(config: Config, guarded: LoadBalancer | Stage) -> WebAclAssociation | None:
    """Return what puts the web ACL of config.yaml in front of the API; None without one."""
    if config.api.web_acl_arn is None:
        return None
    return WebAclAssociation(
        label="api",
        name=f"{config.name}-api",
        web_acl_arn=config.api.web_acl_arn,
        guarded=guarded,
    )
