"""EC2: security groups."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from batchctl.aws.batched_reads import BatchedRead
from batchctl.aws.concurrently import concurrently
from batchctl.aws.errors import code_of, ignore_missing
from batchctl.aws.session import Aws
from batchctl.aws.tags import as_dict, as_list
from batchctl.resource import Actual, Deployed, Outputs, Properties, Resource, require_owned
from batchctl.resource.grants import OURS, Grant, made_by
from batchctl.resources.awslambda.interfaces import wait_until_interfaces_gone
from batchctl.resources.ec2.cidrs import newly_let_in
from batchctl.resources.ec2.holders import delete_unused
from batchctl.resources.ec2.network import Network

# EC2 user guide, "Eventual consistency", names no time; seconds, as a rule.
VISIBLE_WITHIN_S = 120
# What a rule can be open to (EC2 API reference, IpPermission).
SOURCES = ("IpRanges", "Ipv6Ranges", "UserIdGroupPairs", "PrefixListIds")
EVERYWHERE = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


GROUPS = ("security-group/*",)


@dataclass(frozen=True)
class Ingress:
    """TCP to one port from networks, IPv4 or IPv6."""

    port: int
    cidrs: tuple[str, ...]

    def rules(self) -> Iterator[dict[str, Any]]:
        """Yield a rule for each network, in the form that EC2 keeps it in (no host bits)."""
        for cidr in self.cidrs:
            network = ipaddress.ip_network(cidr, strict=False)
            source = (
                {"IpRanges": [{"CidrIp": str(network)}]}
                if network.version == 4
                else {"Ipv6Ranges": [{"CidrIpv6": str(network)}]}
            )
            yield {"IpProtocol": "tcp", "FromPort": self.port, "ToPort": self.port, **source}


@dataclass(frozen=True, kw_only=True)
class SecurityGroup(Resource[Outputs]):
    """A security group with exactly these rules: those that other hands added are a difference.

    What may go out is everything over IPv4, as EC2 sets it (in a VPC with IPv6 EC2 adds a rule
    that isn't ours), or with `open_egress` false nothing. The id is the group's id.

    `outlived_by` are the roles with which Lambda removes its interfaces from the group. Functions
    share these interfaces, so not even a function that is gone can lose its role before the group
    is gone (Lambda developer guide, "Giving Lambda functions access to resources in an Amazon
    VPC").
    """

    description: str
    network: Network
    ingress: tuple[Ingress, ...] = ()
    open_egress: bool = True
    outlived_by: tuple[Resource[Any], ...] = ()

    kind: ClassVar[str] = "security_group"
    identity: ClassVar[tuple[str, ...]] = ("GroupName", "VpcId")
    immutable: ClassVar[tuple[str, ...]] = ("Description",)
    batched_reads: ClassVar[tuple[BatchedRead, ...]] = (
        BatchedRead("ec2.DescribeSecurityGroups", "GroupIds", "SecurityGroups", "GroupId"),
    )
    grants: ClassVar[tuple[Grant, ...]] = (
        Grant("read up down", "ec2", "DescribeSecurityGroups"),
        Grant("up down", "ec2", "DescribeNetworkInterfaces"),
        Grant("up", "ec2", "CreateSecurityGroup", ("security-group/*", "vpc/*")),
        Grant("up", "ec2", "CreateTags", GROUPS, made_by("CreateSecurityGroup")),
        Grant(
            "up",
            "ec2",
            "AuthorizeSecurityGroupIngress AuthorizeSecurityGroupEgress "
            "RevokeSecurityGroupIngress RevokeSecurityGroupEgress CreateTags DeleteTags",
            GROUPS,
            OURS,
        ),
        Grant("up down", "ec2", "DeleteSecurityGroup", GROUPS, OURS),
    )

    def desired(self, deployed: Deployed) -> Properties:
        """Return GroupName, VpcId, Description, and the rules one by one, sorted."""
        return {
            "GroupName": self.physical_name,
            "VpcId": deployed[self.network].id,
            "Description": self.description,
            "IpPermissions": _sorted(rule for each in self.ingress for rule in each.rules()),
            "IpPermissionsEgress": [EVERYWHERE] if self.open_egress else [],
        }

    @classmethod
    def read(
        cls, aws: Aws, recorded: Outputs | None, desired: Properties
    ) -> Actual[Outputs] | None:
        """Find the group by id, else by its name in the VPC; None when there is none."""
        group = _recorded(aws, recorded) if recorded else _named(aws, desired)
        if group is None:
            return None
        tags = as_dict(group.get("Tags"))
        require_owned(aws, f"security group `{group['GroupName']}`", tags)
        return Actual(_outputs(aws, group["GroupId"]), _properties(group), tags)

    def create(self, aws: Aws, desired: Properties) -> Outputs:
        """Make the group, wait until EC2 shows it, set the rules."""
        tags: Any = as_list(aws.tags)
        answer = aws.ec2.create_security_group(
            GroupName=desired["GroupName"],
            Description=desired["Description"],
            VpcId=desired["VpcId"],
            TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}],
        )
        outputs = _outputs(aws, answer["GroupId"])
        group = aws.wait_until(
            f"EC2 to show security group `{outputs.id}`",
            lambda: _recorded(aws, outputs),
            timeout_s=VISIBLE_WITHIN_S,
        )
        _write_rules(aws, outputs.id, _properties(group), desired)
        return outputs

    def update(
        self, aws: Aws, actual: Actual[Outputs], desired: Properties, changed: Properties
    ) -> Outputs:
        """Allow what is missing, then revoke what is too much."""
        del changed
        _write_rules(aws, actual.outputs.id, actual.properties, desired)
        return actual.outputs

    def loosened(self, actual: Properties, desired: Properties) -> Iterator[str]:
        """Yield the networks that are newly let in, and that egress is no longer restricted."""
        had, wanted = (_let_in(each["IpPermissions"]) for each in (actual, desired))
        if added := newly_let_in(had, wanted):
            yield f"`{self.name}` will accept {', '.join(map(str, added))}, which it refuses today"
        if desired["IpPermissionsEgress"] and EVERYWHERE not in actual["IpPermissionsEgress"]:
            yield f"from `{self.name}` everything may go out, which today is restricted"

    def write_tags(
        self, aws: Aws, outputs: Outputs, tags: Mapping[str, str], removed: Sequence[str]
    ) -> None:
        """Set and remove tags."""
        tag_list: Any = as_list(tags)
        aws.ec2.create_tags(Resources=[outputs.id], Tags=tag_list)
        if removed:
            aws.ec2.delete_tags(Resources=[outputs.id], Tags=[{"Key": key} for key in removed])

    @classmethod
    def replicas(cls, aws: Aws, names: Collection[str]) -> Iterator[tuple[str, Outputs]]:
        """Yield what has a name that begins with one of `names`."""
        filters: Any = [{"Name": "group-name", "Values": [f"{name}*" for name in names]}]
        pages = aws.ec2.get_paginator("describe_security_groups").paginate(Filters=filters)
        for group in (group for page in pages for group in page["SecurityGroups"]):
            yield group["GroupName"], _outputs(aws, group["GroupId"])

    @classmethod
    def tags_of(cls, aws: Aws, recorded: Outputs) -> Mapping[str, str] | None:
        """Return the tags that it has now; None when it is gone."""
        group = _recorded(aws, recorded)
        return None if group is None else as_dict(group.get("Tags"))

    @classmethod
    def delete(cls, aws: Aws, recorded: Outputs) -> None:
        """Delete the group, once no network interface uses it any more.

        Those of functions stay for many minutes, and some have to be deleted by us.
        """
        wait_until_interfaces_gone(aws, recorded.id)
        with ignore_missing():
            delete_unused(aws, recorded.id)


def _let_in(rules: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the networks that rules let in, on whatever port."""
    return [
        cidr
        for rule in rules
        for source in (*rule.get("IpRanges", ()), *rule.get("Ipv6Ranges", ()))
        for cidr in source.values()
    ]


def groups_taken_off(what: str, had: Sequence[str], wanted: Sequence[str]) -> Iterator[str]:
    """Say which security groups of others would be taken off something."""
    for group in had:
        # Before `up` an id can be unknown: one that stands in the place of ours is no other's.
        if group not in wanted and len(had) > len(wanted):
            yield f"security group `{group}`, which others attached to {what}, is taken off"


def networks_let_in(aws: Aws, group_ids: Sequence[str]) -> tuple[str, ...]:
    """Return the networks that any of these groups lets in, whoever's they are."""
    if not group_ids:
        return ()
    groups = aws.ec2.describe_security_groups(GroupIds=list(group_ids))["SecurityGroups"]
    return tuple(cidr for each in groups for cidr in _let_in(_split(each["IpPermissions"])))


def _outputs(aws: Aws, group_id: str) -> Outputs:
    return Outputs(id=group_id, arn=aws.arn("ec2", f"security-group/{group_id}"))


def _recorded(aws: Aws, recorded: Outputs) -> Mapping[str, Any] | None:
    with ignore_missing():
        return aws.ec2.describe_security_groups(GroupIds=[recorded.id])["SecurityGroups"][0]
    return None


def _named(aws: Aws, desired: Properties) -> Mapping[str, Any] | None:
    filters: Any = [
        {"Name": "group-name", "Values": [desired["GroupName"]]},
        {"Name": "vpc-id", "Values": [desired["VpcId"]]},
    ]
    groups = aws.ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
    return next(iter(groups), None)


def _properties(group: Mapping[str, Any]) -> Properties:
    return {
        "GroupName": group["GroupName"],
        "VpcId": group["VpcId"],
        "Description": group["Description"],
        "IpPermissions": _split(group["IpPermissions"]),
        "IpPermissionsEgress": _split(group["IpPermissionsEgress"]),
    }


def _split(permissions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the rules one by one: EC2 groups them by port.

    Descriptions of rules are ignored: they don't change what a rule allows.
    """
    return _sorted(
        {**_protocol(permission), kind: [_without_description(source)]}
        for permission in permissions
        for kind in SOURCES
        for source in permission.get(kind, ())
    )


def _protocol(permission: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: permission[key] for key in ("IpProtocol", "FromPort", "ToPort") if key in permission
    }


def _without_description(source: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in source.items() if key != "Description"}


def _sorted(rules: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rules in a stable order, each once."""
    by_text = {json.dumps(rule, sort_keys=True): rule for rule in rules}
    return [by_text[text] for text in sorted(by_text)]


def _write_rules(aws: Aws, group_id: str, had: Properties, wanted: Properties) -> None:
    """Write what may come in and, at the same time, what may go out."""
    ec2, had_in, had_out = aws.ec2, had["IpPermissions"], had["IpPermissionsEgress"]
    allow_in, allow_out = ec2.authorize_security_group_ingress, ec2.authorize_security_group_egress
    revoke_in, revoke_out = ec2.revoke_security_group_ingress, ec2.revoke_security_group_egress
    concurrently(
        partial(_change, group_id, had_in, wanted["IpPermissions"], allow_in, revoke_in),
        partial(_change, group_id, had_out, wanted["IpPermissionsEgress"], allow_out, revoke_out),
    )


def _change(
    group_id: str,
    had: Sequence[Any],
    wanted: Sequence[Any],
    authorize: Callable[..., Any],
    revoke: Callable[..., Any],
) -> None:
    """Allow first, then revoke, so that nothing that is to stay open closes in between."""
    _write(authorize, group_id, _without(wanted, had), done="InvalidPermission.Duplicate")
    _write(revoke, group_id, _without(had, wanted), done="InvalidPermission.NotFound")


def _without(rules: Sequence[Any], others: Sequence[Any]) -> list[Any]:
    return [rule for rule in rules if rule not in others]


def _write(call: Callable[..., Any], group_id: str, rules: Sequence[Any], *, done: str) -> None:
    """Allow or revoke the rules; `done` is the code for a rule with which that has happened.

    One such rule makes EC2 refuse them all (EC2 API reference, "Error codes"): then one by one.
    """
    if not rules:
        return
    try:
        call(GroupId=group_id, IpPermissions=rules)
    except ClientError as error:
        if code_of(error) != done:
            raise
        for rule in rules if len(rules) > 1 else ():
            _write(call, group_id, [rule], done=done)
