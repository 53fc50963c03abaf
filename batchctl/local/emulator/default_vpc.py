"""The account's default VPC as AWS makes it: with a route to the internet, which MiniStack's lacks.

Amazon VPC user guide, "Default VPC components": the main route table sends 0.0.0.0/0 to the
internet gateway that is attached to the VPC.
"""

from __future__ import annotations

import time
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError

from batchctl.local.control.record import CloudRecord

_POLL_S = 0.02


def open_default_vpc(running: CloudRecord, timeout_s: float = 15.0) -> None:
    """Add the route as soon as MiniStack answers; EndpointConnectionError if it never does."""
    key_id, secret = running.root
    ec2 = boto3.client(
        "ec2",
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        region_name=running.region,
        endpoint_url=running.endpoint_url,
        config=Config(retries={"total_max_attempts": 1, "mode": "standard"}),
    )
    vpc_id = _default_vpc(ec2, time.monotonic() + timeout_s)
    attached = ec2.describe_internet_gateways(Filters=_is("attachment.vpc-id", vpc_id))
    main = _is("vpc-id", vpc_id) + _is("association.main", "true")
    tables = ec2.describe_route_tables(Filters=main)
    ec2.create_route(
        RouteTableId=tables["RouteTables"][0]["RouteTableId"],
        DestinationCidrBlock="0.0.0.0/0",
        GatewayId=attached["InternetGateways"][0]["InternetGatewayId"],
    )


def _default_vpc(ec2: Any, deadline: float) -> str:
    while True:
        try:
            found = ec2.describe_vpcs(Filters=_is("is-default", "true"))
            return str(found["Vpcs"][0]["VpcId"])
        except EndpointConnectionError:  # the server is about to listen
            if time.monotonic() > deadline:
                raise
            time.sleep(_POLL_S)


def _is(name: str, value: str) -> list[Any]:
    return [{"Name": name, "Values": [value]}]
