"""The default VPC as AWS makes it: moto's and MiniStack's lack the route to the internet."""

from __future__ import annotations

from typing import Any


def make_default_vpc_public(ec2: Any) -> str:
    """Give the default VPC's main route table its route 0.0.0.0/0; return the VPC's id."""
    vpc_id = str(ec2.describe_vpcs(Filters=_is("is-default", "true"))["Vpcs"][0]["VpcId"])
    gateway_id = _internet_gateway(ec2, vpc_id)
    tables = ec2.describe_route_tables(
        Filters=[*_is("vpc-id", vpc_id), *_is("association.main", "true")]
    )
    ec2.create_route(
        RouteTableId=tables["RouteTables"][0]["RouteTableId"],
        DestinationCidrBlock="0.0.0.0/0",
        GatewayId=gateway_id,
    )
    return vpc_id


def _internet_gateway(ec2: Any, vpc_id: str) -> str:
    """Return the id of the VPC's internet gateway, made when there is none."""
    found = ec2.describe_internet_gateways(Filters=_is("attachment.vpc-id", vpc_id))
    for gateway in found["InternetGateways"]:
        return str(gateway["InternetGatewayId"])
    made = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=made, VpcId=vpc_id)
    return str(made)


def _is(name: str, value: str) -> list[dict[str, Any]]:
    return [{"Name": name, "Values": [value]}]
