"""Batch: the scheduling policy, by which jobs share a queue instead of standing in line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from batchctl.aws.errors import ignore_missing
from batchctl.aws.session import Aws
from batchctl.resource import Actual, Deployed, Group, Outputs, Properties, Resource, require_owned
from batchctl.resource.grants import Grant
from batchctl.resources.batch.tags import Tagged

POLICIES = ("scheduling-policy/{stack}-*",)


@dataclass(frozen=True, kw_only=True)
class SchedulingPolicy(Tagged, Resource[Outputs]):
    """A fair-share policy in which all shares weigh the same.

    Whose share has used the least comes next. What a share has used counts for less as it gets
    older, and not at all after some `share_decay_s` (AWS Batch User Guide, "Fair-share scheduling
    policies"). Every job of its queues then has to name a share.
    """

    share_decay_s: int

    kind: ClassVar[str] = "scheduling_policy"
    group: ClassVar[Group | None] = Group.COMPUTE
    identity: ClassVar[tuple[str, ...]] = ("name",)
    grants: ClassVar[tuple[Grant, ...]] = (
        Grant("read up down", "batch", "DescribeSchedulingPolicies"),
        Grant(
            "up",
            "batch",
            "CreateSchedulingPolicy UpdateSchedulingPolicy TagResource UntagResource",
            POLICIES,
        ),
        Grant("down", "batch", "DeleteSchedulingPolicy", POLICIES),
    )

    def desired(self, deployed: Deployed) -> Properties:
        """Return the parameters of CreateSchedulingPolicy."""
        del deployed
        return {
            "name": self.physical_name,
            "fairsharePolicy": {
                "shareDecaySeconds": self.share_decay_s,
                "computeReservation": 0,
                "shareDistribution": [],
            },
        }

    @classmethod
    def read(
        cls, aws: Aws, recorded: Outputs | None, desired: Properties
    ) -> Actual[Outputs] | None:
        """Find the policy by its ARN, which its name makes; None when there is none."""
        name = recorded.id if recorded else str(desired["name"])
        arn = recorded.arn if recorded else aws.arn("batch", f"scheduling-policy/{name}")
        with ignore_missing():
            found = aws.batch.describe_scheduling_policies(arns=[arn])["schedulingPolicies"]
            if found:
                tags = found[0].get("tags", {})
                require_owned(aws, f"scheduling policy `{name}`", tags)
                return Actual(Outputs(name, found[0]["arn"]), _properties(found[0]), tags)
        return None

    def create(self, aws: Aws, desired: Properties) -> Outputs:
        """Make the policy, which is there at once."""
        made = aws.batch.create_scheduling_policy(**desired, tags=aws.tags)
        return Outputs(id=made["name"], arn=made["arn"])

    def update(
        self, aws: Aws, actual: Actual[Outputs], desired: Properties, changed: Properties
    ) -> Outputs:
        """Put the policy anew."""
        del changed
        aws.batch.update_scheduling_policy(
            arn=actual.outputs.arn, fairsharePolicy=desired["fairsharePolicy"]
        )
        return actual.outputs

    @classmethod
    def tags_of(cls, aws: Aws, recorded: Outputs) -> Mapping[str, str] | None:
        """Return the tags that it has now; None when it is gone."""
        with ignore_missing():
            found = aws.batch.describe_scheduling_policies(arns=[recorded.arn])
            for policy in found["schedulingPolicies"]:
                return policy.get("tags", {})
        return None

    @classmethod
    def delete(cls, aws: Aws, recorded: Outputs) -> None:
        """Delete the policy; its queues must be gone."""
        with ignore_missing():
            aws.batch.delete_scheduling_policy(arn=recorded.arn)


def _properties(found: Mapping[str, Any]) -> Properties:
    """Return a policy in our spelling: Batch may leave out what is zero or empty."""
    unset = {"shareDecaySeconds": 0, "computeReservation": 0, "shareDistribution": []}
    return {"name": found["name"], "fairsharePolicy": {**unset, **found.get("fairsharePolicy", {})}}
