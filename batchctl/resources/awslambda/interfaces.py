"""The network interfaces that Lambda makes in a VPC: they outlive the functions by many minutes."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from batchctl.aws.errors import code_of
from batchctl.aws.session import Aws
from batchctl.aws.waiting import Pending

# Up to 20 minutes (Lambda developer guide, "Giving Lambda functions access to resources in an
# Amazon VPC"); 35 for one in a hundred, according to Lambda's team (Terraform's provider).
GONE_WITHIN_S = 2700.0
DESCRIPTION = "AWS Lambda VPC ENI*"


def wait_until_interfaces_gone(aws: Aws, security_group_id: str) -> None:
    """Wait until no function has an interface in the group; delete those that Lambda let go of."""

    def check() -> bool | Pending:
        found = _interfaces(aws, security_group_id)
        for interface in found:
            if interface["Status"] == "available":
                _delete(aws, interface["NetworkInterfaceId"])
        return Pending(f"{len(found)} interfaces") if found else True

    what = f"Lambda to remove its network interfaces in `{security_group_id}` (up to 40 minutes)"
    aws.wait_until(what, check, timeout_s=GONE_WITHIN_S)


def _interfaces(aws: Aws, security_group_id: str) -> list[Any]:
    pages = aws.ec2.get_paginator("describe_network_interfaces").paginate(
        Filters=[
            {"Name": "group-id", "Values": [security_group_id]},
            {"Name": "description", "Values": [DESCRIPTION]},
        ]
    )
    return [interface for page in pages for interface in page["NetworkInterfaces"]]


def _delete(aws: Aws, interface_id: str) -> None:
    """Delete an interface, unless Lambda deletes it at the same time or uses it again."""
    try:
        aws.ec2.delete_network_interface(NetworkInterfaceId=interface_id)
    except ClientError as error:
        if code_of(error) not in {
            "InvalidNetworkInterfaceID.NotFound",
            "InvalidParameterValue",
            "OperationNotPermitted",
        }:
            raise
