"""AWS WAF: the association of a web ACL with a load balancer or stage."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from batchctl.aws.arns import require_region
from batchctl.aws.errors import ignore_missing
from batchctl.aws.session import Aws
from batchctl.resource import Actual, Deployed, Group, Outputs, Properties, Resource
from batchctl.resource.grants import Grant
from batchctl.resources.apigateway.stages import Stage, tags_of_stage
from batchctl.resources.elbv2.load_balancers import LoadBalancer
from batchctl.resources.elbv2.tags import live_tags

_STAGE_ARN = re.compile(r":/restapis/(?P<api>[^/]+)/stages/(?P<stage>[^/]+)$")


PROTECTED = (
    "regional/webacl/*",
    "arn:{partition}:elasticloadbalancing:{region}:{account}:loadbalancer/app/{stack}-*",
    "arn:{partition}:apigateway:{region}::/restapis/*/stages/*",
)


@dataclass(frozen=True, kw_only=True)
class WebAclAssociation(Resource[Outputs]):
    """A web ACL of the user's, never made or changed by us, in front of a load balancer or stage.

    The id is the ARN of what it guards, as that has one web ACL at most; the ARN is the ACL's.
    Whoever associates it needs `elasticloadbalancing:SetWebACL` or `apigateway:SetWebACL` as well
    (AWS WAF API reference, AssociateWebACL).
    """

    web_acl_arn: str
    guarded: LoadBalancer | Stage

    kind: ClassVar[str] = "web_acl_association"
    group: ClassVar[Group | None] = Group.FRONT_DOOR
    identity: ClassVar[tuple[str, ...]] = ("ResourceArn",)
    taggable: ClassVar[bool] = False
    loosened_when_deleted: ClassVar[str] = (
        "requests that the web ACL refuses today will be accepted"
    )
    grants: ClassVar[tuple[Grant, ...]] = (
        Grant("read up", "wafv2", "GetWebACLForResource", PROTECTED),
        Grant("up", "wafv2", "AssociateWebACL", PROTECTED),
        Grant("up down", "wafv2", "DisassociateWebACL", PROTECTED),
        Grant("up down", "elasticloadbalancing", "SetWebAcl"),
        Grant("up down", "apigateway", "SetWebACL", ("/restapis/*/stages/*",)),
    )

    def desired(self, deployed: Deployed) -> Properties:
        """Return the parameters of AssociateWebACL; BatchctlError for one of another region."""
        require_region(self.web_acl_arn, deployed.aws.region, "api.web_acl_arn")
        return {"ResourceArn": self._guarded_arn(deployed), "WebACLArn": self.web_acl_arn}

    def _guarded_arn(self, deployed: Deployed) -> str:
        if isinstance(self.guarded, LoadBalancer):
            return deployed[self.guarded].arn
        aws, stage = deployed.aws, deployed[self.guarded]
        # An ARN without an account (AWS WAF API reference, AssociateWebACL).
        path = f"/restapis/{stage.rest_api_id}/stages/{stage.id}"
        return f"arn:{aws.partition.id}:apigateway:{aws.region}::{path}"

    @classmethod
    def read(
        cls, aws: Aws, recorded: Outputs | None, desired: Properties
    ) -> Actual[Outputs] | None:
        """Find the web ACL of the resource, whichever it is; None when it has none."""
        guarded = recorded.id if recorded else str(desired["ResourceArn"])
        with ignore_missing():
            found = aws.wafv2.get_web_acl_for_resource(ResourceArn=guarded).get("WebACL")
            if found:
                arn = found["ARN"]
                properties = {"ResourceArn": guarded, "WebACLArn": arn}
                return Actual(Outputs(id=guarded, arn=arn), properties)
        return None

    def create(self, aws: Aws, desired: Properties) -> Outputs:
        """Put the web ACL in front of the resource."""
        aws.wafv2.associate_web_acl(**desired)
        return Outputs(id=desired["ResourceArn"], arn=desired["WebACLArn"])

    def update(
        self, aws: Aws, actual: Actual[Outputs], desired: Properties, changed: Properties
    ) -> Outputs:
        """Replace another web ACL."""
        del actual, changed
        return self.create(aws, desired)

    def loosened(self, actual: Properties, desired: Properties) -> Iterator[str]:
        """Say that another web ACL takes the place of the one that is there."""
        if actual["WebACLArn"] != desired["WebACLArn"]:
            yield f"the web ACL `{actual['WebACLArn']}` makes way for `{desired['WebACLArn']}`"

    @classmethod
    def tags_of(cls, aws: Aws, recorded: Outputs) -> Mapping[str, str] | None:
        """Return the tags of what it guards; None when that is gone."""
        stage = _STAGE_ARN.search(recorded.id)
        if stage:
            return tags_of_stage(aws, stage["api"], stage["stage"])
        return live_tags(aws, recorded.id)

    @classmethod
    def delete(cls, aws: Aws, recorded: Outputs) -> None:
        """Take the web ACL away from the resource; quiet when either is gone."""
        with ignore_missing():
            aws.wafv2.disassociate_web_acl(ResourceArn=recorded.id)
