"""A move to another VPC: the load balancer and what hangs on it can't move, and are replaced."""

from __future__ import annotations

from typing import Any

from built import Application


def other_vpc(application: Application) -> dict[str, Any]:
    """Make a VPC with two public subnets and return the settings that name it."""
    ec2 = application.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    filters = [{"Name": "vpc-id", "Values": [vpc]}]
    table = ec2.describe_route_tables(Filters=filters)["RouteTables"][0]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    for zone, block in (("us-east-1a", "10.9.1.0/24"), ("us-east-1b", "10.9.2.0/24")):
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=zone)["Subnet"]
        ec2.modify_subnet_attribute(
            SubnetId=subnet["SubnetId"], MapPublicIpOnLaunch={"Value": True}
        )
    return {"network": {"vpc_id": vpc}}


def balancers(application: Application) -> dict[str, str]:
    """Each load balancer's name and VPC."""
    found = application.client("elbv2").describe_load_balancers()["LoadBalancers"]
    return {each["LoadBalancerName"]: each["VpcId"] for each in found}
