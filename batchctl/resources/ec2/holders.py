"""What keeps a security group from being deleted: AWS itself for a while, or somebody else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from batchctl.aws.errors import is_in_use
from batchctl.aws.session import Aws
from batchctl.aws.waiting import Pending
from batchctl.errors import BatchctlError

# Interfaces of a deleted load balancer or of ended instances go within minutes, as a rule.
LET_GO_WITHIN_S = 900.0


def delete_unused(aws: Aws, group_id: str) -> None:
    """Delete a security group when AWS lets go of it; name who holds it if that is somebody else.

    A rule of another group doesn't go by itself, so there is nothing to wait for.
    """

    def check() -> bool | Pending:
        try:
            aws.ec2.delete_security_group(GroupId=group_id)
        except ClientError as error:
            if not is_in_use(error):
                raise
            _refuse_rules_of_others(aws, group_id)
            return Pending(", ".join(_interfaces(aws, group_id)) or "in use")
        return True

    what = f"AWS to let go of security group `{group_id}`"
    aws.wait_until(what, check, timeout_s=LET_GO_WITHIN_S)


def _refuse_rules_of_others(aws: Aws, group_id: str) -> None:
    holders = sorted(set(_groups_with_rules(aws, group_id)))
    if holders:
        raise BatchctlError(
            f"could not delete security group `{group_id}`: rules of other security groups name "
            f"it: {', '.join(holders)}",
            hint="ask whoever has them to remove these rules, then run the command again: "
            "batchctl changes no security group of others",
        )


def _groups_with_rules(aws: Aws, group_id: str) -> Iterator[str]:
    """Yield the groups that let this one in, or out to it."""
    for name in ("ip-permission.group-id", "egress.ip-permission.group-id"):
        filters: Any = [{"Name": name, "Values": [group_id]}]
        pages = aws.ec2.get_paginator("describe_security_groups").paginate(Filters=filters)
        for group in (group for page in pages for group in page["SecurityGroups"]):
            if group["GroupId"] != group_id:
                yield f"`{group['GroupName']}` ({group['GroupId']})"


def _interfaces(aws: Aws, group_id: str) -> Iterator[str]:
    """Yield the network interfaces that use the group, with what AWS says that they are."""
    filters: Any = [{"Name": "group-id", "Values": [group_id]}]
    answer = aws.ec2.describe_network_interfaces(Filters=filters)
    for each in answer["NetworkInterfaces"]:
        of = each.get("Attachment", {}).get("InstanceId") or each.get("Description") or "unnamed"
        yield f"network interface {each['NetworkInterfaceId']} ({of})"
