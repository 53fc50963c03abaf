from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from default_vpc import make_default_vpc_public
from examples_ec2 import network
from faults import calls_of

from batchctl.aws.session import Aws
from batchctl.errors import BatchctlError
from batchctl.resource import Actual, Deployed
from batchctl.resources.ec2.network import Network, NetworkOutputs
from batchctl.resources.ec2.subnets import subnets_of


@pytest.fixture
def ec2(aws: Aws) -> Any:
    """EC2 without us in between."""
    return aws.connection.client("ec2")


class Vpc:
    """A VPC that a test fills with subnets."""

    def __init__(self, ec2: Any) -> None:
        self.ec2 = ec2
        self.id = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=self.gateway, VpcId=self.id)
        self.made = 0

    def isolated(self, zone: str, size: int = 24) -> str:
        """Make a subnet with the main route table, which leads nowhere."""
        self.made += 1
        answer = self.ec2.create_subnet(
            VpcId=self.id, CidrBlock=f"10.0.{self.made}.0/{size}", AvailabilityZone=zone
        )
        return str(answer["Subnet"]["SubnetId"])

    def public(self, zone: str, *, assigns_addresses: bool = True, size: int = 24) -> str:
        """Make a subnet that leads to the internet gateway."""
        subnet = self.isolated(zone, size)
        self.lead(subnet, GatewayId=self.gateway)
        self.ec2.modify_subnet_attribute(
            SubnetId=subnet, MapPublicIpOnLaunch={"Value": assigns_addresses}
        )
        return subnet

    def private(self, zone: str) -> str:
        """Make a subnet that leads to a NAT gateway."""
        subnet = self.isolated(zone)
        self.lead(subnet, NatGatewayId=self.nat_gateway(subnet))
        return subnet

    def nat_gateway(self, subnet: str) -> str:
        answer = self.ec2.create_nat_gateway(SubnetId=subnet, ConnectivityType="private")
        return str(answer["NatGateway"]["NatGatewayId"])

    def lead(self, subnet: str, **target: str) -> str:
        """Give a subnet a route table of its own whose default route leads to `target`."""
        table = self.ec2.create_route_table(VpcId=self.id)["RouteTable"]["RouteTableId"]
        self.ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
        self.ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", **target)
        return str(table)


@pytest.fixture
def vpc(ec2: Any) -> Vpc:
    """A VPC of one's own with an internet gateway and no subnets."""
    return Vpc(ec2)


def read_network(aws: Aws, **wanted: Any) -> Actual[NetworkOutputs]:
    asked = dataclasses.replace(network, **wanted)
    return Network.read(aws, None, asked.desired(Deployed(aws)))


def problem(aws: Aws, **wanted: Any) -> tuple[str, str]:
    with pytest.raises(BatchctlError) as caught:
        read_network(aws, **wanted)
    return caught.value.message, caught.value.hint or ""


def test_in_the_default_vpc_everything_stands_in_its_public_subnets(aws: Aws, ec2: Any) -> None:
    vpc_id = make_default_vpc_public(ec2)
    found = read_network(aws)
    subnets = {subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]}
    assert found.outputs.id == vpc_id
    assert set(found.outputs.compute_subnet_ids) == subnets
    assert set(found.outputs.load_balancer_subnet_ids) == subnets
    assert found.outputs.function_subnet_ids == ()
    (note,) = found.notes
    assert note.startswith(f"compute runs in 6 public subnets of the default VPC `{vpc_id}`: ")


def test_it_takes_three_calls(aws: Aws, ec2: Any) -> None:
    make_default_vpc_public(ec2)
    calls = calls_of(aws, "ec2")
    read_network(aws)
    assert sorted(calls) == ["DescribeRouteTables", "DescribeSubnets", "DescribeVpcs"]


def test_compute_prefers_private_subnets_with_a_way_out(aws: Aws, vpc: Vpc) -> None:
    public = [vpc.public("us-east-1a"), vpc.public("us-east-1b")]
    private = [vpc.private("us-east-1a"), vpc.private("us-east-1b")]
    vpc.isolated("us-east-1c")
    found = read_network(aws, vpc_id=vpc.id)
    assert found.outputs.compute_subnet_ids == tuple(private)
    assert found.outputs.load_balancer_subnet_ids == tuple(public)
    assert found.notes == (f"compute runs in 2 private subnets of VPC `{vpc.id}`",)


def test_a_route_that_leads_into_nothing_is_no_way_out(ec2: Any, vpc: Vpc) -> None:
    subnet = vpc.isolated("us-east-1a")
    gone = {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1", "State": "blackhole"}
    tables = [{"Associations": [{"SubnetId": subnet}], "Routes": [gone]}]
    described = ec2.describe_subnets(Filters=[{"Name": "subnet-id", "Values": [subnet]}])
    (found,) = subnets_of(described["Subnets"], tables, "us-east-1")
    assert not found.has_way_out


def test_the_load_balancer_gets_one_subnet_of_each_zone(aws: Aws, vpc: Vpc) -> None:
    in_a = {vpc.public("us-east-1a"), vpc.public("us-east-1a")}
    in_b = vpc.public("us-east-1b")
    found = read_network(aws, vpc_id=vpc.id).outputs
    assert found.load_balancer_subnet_ids == (min(in_a), in_b)
    assert found.compute_subnet_ids == (*sorted(in_a), in_b)


def test_without_a_load_balancer_one_zone_is_enough(aws: Aws, vpc: Vpc) -> None:
    vpc.public("us-east-1a")
    found = read_network(aws, vpc_id=vpc.id, needs_load_balancer=False)
    assert found.outputs.load_balancer_subnet_ids == ()


def test_one_public_zone_is_not_enough_for_a_load_balancer(aws: Aws, vpc: Vpc) -> None:
    vpc.public("us-east-1a")
    message, hint = problem(aws, vpc_id=vpc.id)
    assert message == (
        f"could not find subnets for the load balancer in VPC `{vpc.id}`: it needs public ones in "
        "2 zones, there are some only in `us-east-1a`"
    )
    assert "add a public subnet" in hint


def test_small_subnets_are_not_for_the_load_balancer(aws: Aws, vpc: Vpc) -> None:
    small = vpc.public("us-east-1a", size=28)
    big = [vpc.public("us-east-1a"), vpc.public("us-east-1b")]
    found = read_network(aws, vpc_id=vpc.id).outputs
    assert found.load_balancer_subnet_ids == tuple(big)
    assert small in found.compute_subnet_ids


def test_public_subnets_that_assign_no_addresses_are_of_no_use_to_compute(
    aws: Aws, vpc: Vpc
) -> None:
    vpc.public("us-east-1a", assigns_addresses=False)
    vpc.public("us-east-1b", assigns_addresses=False)
    message, hint = problem(aws, vpc_id=vpc.id)
    assert message.endswith(
        f"VPC `{vpc.id}`: none of its public subnets (2) assigns public IPv4 addresses"
    )
    assert "`network.compute_subnet_ids`" in hint


def test_a_vpc_without_a_way_out_is_an_error_that_says_what_to_add(aws: Aws, vpc: Vpc) -> None:
    vpc.isolated("us-east-1a")
    message, hint = problem(aws, vpc_id=vpc.id, needs_load_balancer=False)
    assert message == (
        f"could not find subnets for compute in VPC `{vpc.id}`: "
        "none of its subnets (1) has a route 0.0.0.0/0"
    )
    assert "NAT gateway" in hint


def test_an_empty_vpc_is_an_error(aws: Aws, vpc: Vpc) -> None:
    message, _ = problem(aws, vpc_id=vpc.id, needs_load_balancer=False)
    assert message.endswith("it has no available subnets")


def test_a_vpc_that_is_not_there_is_an_error(aws: Aws) -> None:
    message, hint = problem(aws, vpc_id="vpc-0a1b2c3d4e5f67890")
    assert message == "could not find VPC `vpc-0a1b2c3d4e5f67890` in us-east-1"
    assert "`network.vpc_id`" in hint


def test_without_a_default_vpc_the_hint_says_how_to_get_one(aws: Aws, ec2: Any) -> None:
    default = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    for subnet in ec2.describe_subnets()["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    ec2.delete_vpc(VpcId=default)
    message, hint = problem(aws)
    assert message.startswith("could not find the default VPC of us-east-1")
    assert "create-default-vpc" in hint


def test_subnets_that_are_given_are_taken_and_name_the_vpc(aws: Aws, vpc: Vpc) -> None:
    public = (vpc.public("us-east-1a"), vpc.public("us-east-1b"))
    private = (vpc.private("us-east-1a"), vpc.private("us-east-1b"))
    found = read_network(
        aws,
        compute_subnet_ids=private[1:],
        load_balancer_subnet_ids=public,
        function_subnet_ids=private,
    )
    assert found.outputs == NetworkOutputs(vpc.id, "", private[1:], public, private)
    assert found.notes == ()


def test_subnets_of_several_vpcs_are_an_error(aws: Aws, ec2: Any, vpc: Vpc) -> None:
    ours, theirs = vpc.private("us-east-1a"), Vpc(ec2).private("us-east-1a")
    message, _ = problem(aws, compute_subnet_ids=(ours,), function_subnet_ids=(theirs,))
    assert "they are in several VPCs" in message


def test_a_subnet_that_is_not_there_is_an_error(aws: Aws) -> None:
    message, _ = problem(aws, compute_subnet_ids=("subnet-0a1b2c3d4e5f67890",))
    assert message == "could not find `subnet-0a1b2c3d4e5f67890` in us-east-1"


def test_a_subnet_of_another_vpc_than_the_given_one_is_an_error(
    aws: Aws, ec2: Any, vpc: Vpc
) -> None:
    theirs = Vpc(ec2).private("us-east-1a")
    message, hint = problem(aws, vpc_id=vpc.id, compute_subnet_ids=(theirs,))
    assert message == f"could not use `{theirs}`: no available subnet of VPC `{vpc.id}`"
    assert "`network.compute_subnet_ids`" in hint


def test_a_private_subnet_given_for_the_load_balancer_is_an_error(aws: Aws, vpc: Vpc) -> None:
    private = vpc.private("us-east-1b")
    given = (vpc.public("us-east-1a"), private)
    message, _ = problem(aws, load_balancer_subnet_ids=given)
    assert message.startswith(f"could not use `{private}` for the load balancer: it is not public")


def test_two_subnets_of_one_zone_given_for_the_load_balancer_are_an_error(
    aws: Aws, vpc: Vpc
) -> None:
    given = (vpc.public("us-east-1a"), vpc.public("us-east-1a"))
    message, _ = problem(aws, load_balancer_subnet_ids=given)
    assert message.endswith("it takes one subnet in each of 2 zones or more")


def test_given_subnets_without_a_way_out_are_taken_with_a_warning(aws: Aws, vpc: Vpc) -> None:
    isolated, public = vpc.isolated("us-east-1a"), vpc.public("us-east-1a")
    found = read_network(
        aws,
        compute_subnet_ids=(isolated, public),
        function_subnet_ids=(public,),
        needs_load_balancer=False,
    )
    compute, functions = found.notes
    assert f"compute in `{isolated}` has no way out: it needs VPC endpoints" in compute
    assert f"functions in `{public}` have no way out" in functions


@pytest.mark.parametrize(
    ("zone", "is_regular"),
    [("us-east-1a", True), ("us-east-1-bos-1a", False), ("us-east-1-wl1-bos-wlz-1", False)],
)
def test_local_and_wavelength_zones_are_no_availability_zones(zone: str, is_regular: bool) -> None:
    subnet = {"SubnetId": "subnet-1", "AvailabilityZone": zone, "CidrBlock": "10.0.0.0/24"}
    (found,) = subnets_of([subnet], [], "us-east-1")
    assert found.is_regular is is_regular


def test_a_subnet_on_an_outpost_is_in_no_availability_zone() -> None:
    subnet = {
        "SubnetId": "subnet-1",
        "AvailabilityZone": "us-east-1a",
        "CidrBlock": "10.0.0.0/24",
        "OutpostArn": "arn:aws:outposts:us-east-1:123456789012:outpost/op-1",
    }
    (found,) = subnets_of([subnet], [], "us-east-1")
    assert not found.is_regular
