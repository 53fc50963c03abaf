"""Target groups: how a load balancer reaches a function."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from batchctl.aws.batched_reads import BatchedRead
from batchctl.aws.errors import ignore_missing
from batchctl.aws.session import Aws
from batchctl.resource import Actual, Deployed, Group, Outputs, Properties, Resource, require_owned
from batchctl.resource.grants import Grant
from batchctl.resources.awslambda.functions import Function
from batchctl.resources.awslambda.triggers import Permission
from batchctl.resources.elbv2.load_balancers import LoadBalancer
from batchctl.resources.elbv2.tags import (
    BATCHED_TAGS,
    ELB,
    Tagged,
    live_tags,
    read_tags,
    tag_list,
)

TARGET_GROUPS = ("targetgroup/{stack}-*",)


@dataclass(frozen=True, kw_only=True)
class TargetGroup(Tagged, Resource[Outputs]):
    """A target group for one function, without health checks: each would be an invocation paid for.

    Headers and query parameters come as single values, which is how AWS makes a group. Its name
    has 32 characters at most.

    The first rule that leads to it ties it to that rule's load balancer (Elastic Load Balancing
    API Reference, TargetGroup: "You can use each target group with only one load balancer"; a rule
    of a second one fails with TargetGroupAssociationLimit). So when `load_balancer` is replaced,
    it is as well.
    """

    load_balancer: LoadBalancer

    kind: ClassVar[str] = "target_group"
    group: ClassVar[Group | None] = Group.FRONT_DOOR
    identity: ClassVar[tuple[str, ...]] = ("Name",)
    calls_to_read: ClassVar[int] = 2
    immutable: ClassVar[tuple[str, ...]] = ("TargetType", "LoadBalancerArns")
    batched_reads: ClassVar[tuple[BatchedRead, ...]] = (
        BatchedRead(
            "elasticloadbalancing.DescribeTargetGroups",
            "TargetGroupArns",
            "TargetGroups",
            "TargetGroupArn",
            of="arn",
        ),
        BATCHED_TAGS,
    )
    grants: ClassVar[tuple[Grant, ...]] = (
        Grant("read up down", ELB, "DescribeTargetGroups DescribeTags"),
        Grant("up", ELB, "CreateTargetGroup ModifyTargetGroup AddTags RemoveTags", TARGET_GROUPS),
        Grant("up down", ELB, "DeleteTargetGroup", TARGET_GROUPS),
    )

    def desired(self, deployed: Deployed) -> Properties:
        """Return the parameters of CreateTargetGroup, and the load balancer that leads to it."""
        return {
            "Name": self.physical_name,
            "TargetType": "lambda",
            "HealthCheckEnabled": False,
            "LoadBalancerArns": [deployed[self.load_balancer].arn],
        }

    @classmethod
    def read(
        cls, aws: Aws, recorded: Outputs | None, desired: Properties
    ) -> Actual[Outputs] | None:
        """Find the target group by its ARN, else by name; None when there is none."""
        wanted: Any = (
            {"TargetGroupArns": [recorded.arn]} if recorded else {"Names": [desired["Name"]]}
        )
        with ignore_missing():
            found = next(iter(aws.elbv2.describe_target_groups(**wanted)["TargetGroups"]), None)
            if found is None:
                return None
            tags = read_tags(aws, found["TargetGroupArn"])
            require_owned(aws, f"target group `{found['TargetGroupName']}`", tags)
            # Emulators name a load balancer once for each rule.
            balancers = sorted(set(found.get("LoadBalancerArns", [])))
            return Actual(
                Outputs(id=found["TargetGroupName"], arn=found["TargetGroupArn"]),
                {**found, "Name": found["TargetGroupName"], "LoadBalancerArns": balancers},
                tags,
                server_assigned=() if balancers else ("LoadBalancerArns",),
            )
        return None

    def create(self, aws: Aws, desired: Properties) -> Outputs:
        """Make the target group, without a target yet."""
        parameters = {key: desired[key] for key in desired if key != "LoadBalancerArns"}
        answer = aws.elbv2.create_target_group(**parameters, Tags=tag_list(aws.tags))
        found = answer["TargetGroups"][0]
        return Outputs(id=found["TargetGroupName"], arn=found["TargetGroupArn"])

    def update(
        self, aws: Aws, actual: Actual[Outputs], desired: Properties, changed: Properties
    ) -> Outputs:
        """Change what differs."""
        del desired
        aws.elbv2.modify_target_group(TargetGroupArn=actual.outputs.arn, **changed)
        return actual.outputs

    @classmethod
    def replicas(cls, aws: Aws, names: Collection[str]) -> Iterator[tuple[str, Outputs]]:
        """Yield what has a name that begins with one of `names`."""
        del names
        pages = aws.elbv2.get_paginator("describe_target_groups").paginate()
        for found in (each for page in pages for each in page["TargetGroups"]):
            name, arn = found["TargetGroupName"], found["TargetGroupArn"]
            yield name, Outputs(id=name, arn=arn)

    @classmethod
    def delete(cls, aws: Aws, recorded: Outputs) -> None:
        """Delete the target group, once the load balancer has let go of it."""
        with ignore_missing():
            aws.elbv2.delete_target_group(TargetGroupArn=recorded.arn)


@dataclass(frozen=True)
class TargetOutputs(Outputs):
    """Id and ARN are the registered function's ARN."""

    target_group_arn: str


@dataclass(frozen=True, kw_only=True)
class Target(Resource[TargetOutputs]):
    """The function in a target group, of which there is one at most.

    The permission to invoke it comes first: registering checks it (Elastic Load Balancing
    guide, "Use Lambda functions as targets of an Application Load Balancer").
    """

    target_group: TargetGroup
    function: Function
    permission: Permission

    kind: ClassVar[str] = "target"
    group: ClassVar[Group | None] = Group.FRONT_DOOR
    outputs: ClassVar[type[TargetOutputs]] = TargetOutputs
    identity: ClassVar[tuple[str, ...]] = ("TargetGroupArn",)
    vital: ClassVar[tuple[str, ...]] = ("Targets",)
    taggable: ClassVar[bool] = False
    grants: ClassVar[tuple[Grant, ...]] = (
        Grant("read up down", ELB, "DescribeTargetHealth DescribeTags"),
        Grant("up", ELB, "RegisterTargets", TARGET_GROUPS),
        Grant("up down", ELB, "DeregisterTargets", TARGET_GROUPS),
    )

    def desired(self, deployed: Deployed) -> Properties:
        """Return the parameters of RegisterTargets."""
        return {
            "TargetGroupArn": deployed[self.target_group].arn,
            "Targets": [{"Id": deployed[self.function].arn}],
        }

    @classmethod
    def read(
        cls, aws: Aws, recorded: TargetOutputs | None, desired: Properties
    ) -> Actual[TargetOutputs] | None:
        """Find what is registered in the target group; None when nothing is."""
        group = recorded.target_group_arn if recorded else str(desired["TargetGroupArn"])
        registered = _registered(aws, group)
        if not registered:
            return None
        targets = [{"Id": function} for function in registered]
        return Actual(
            _target_outputs(group, registered[0]), {"TargetGroupArn": group, "Targets": targets}
        )

    def create(self, aws: Aws, desired: Properties) -> TargetOutputs:
        """Register the function."""
        aws.elbv2.register_targets(**desired)
        return _target_outputs(desired["TargetGroupArn"], desired["Targets"][0]["Id"])

    def update(
        self,
        aws: Aws,
        actual: Actual[TargetOutputs],
        desired: Properties,
        changed: Properties,
    ) -> TargetOutputs:
        """Replace the function, as the group takes one only."""
        del changed
        for target in actual.properties["Targets"]:
            _deregister(aws, actual.outputs.target_group_arn, target["Id"])
        return self.create(aws, desired)

    @classmethod
    def tags_of(cls, aws: Aws, recorded: TargetOutputs) -> Mapping[str, str] | None:
        """Return the tags of its target group; None when that is gone."""
        return live_tags(aws, recorded.target_group_arn)

    @classmethod
    def delete(cls, aws: Aws, recorded: TargetOutputs) -> None:
        """Take the function out of the target group."""
        _deregister(aws, recorded.target_group_arn, recorded.id)


def _deregister(aws: Aws, target_group_arn: str, function_arn: str) -> None:
    with ignore_missing():
        aws.elbv2.deregister_targets(
            TargetGroupArn=target_group_arn, Targets=[{"Id": function_arn}]
        )


def _registered(aws: Aws, target_group_arn: str) -> list[str]:
    """Return the ARNs of the functions in a target group, but not of those on their way out."""
    with ignore_missing():
        answer = aws.elbv2.describe_target_health(TargetGroupArn=target_group_arn)
        return [
            each["Target"]["Id"]
            for each in answer["TargetHealthDescriptions"]
            if each.get("TargetHealth", {}).get("State") != "draining"
        ]
    return []


def _target_outputs(target_group_arn: str, function_arn: str) -> TargetOutputs:
    return TargetOutputs(id=function_arn, arn=function_arn, target_group_arn=target_group_arn)
