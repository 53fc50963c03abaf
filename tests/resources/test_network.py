from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any

import pytest
from default_vpc import make_default_vpc_public
from examples_ec2 import network
from faults import calls_of

from batchctl.aws.session import Aws
from batchctl.errors import BatchctlError
from batchctl.resource import Actual, Deployed
from batchctl.resources.ec2.network import Network, NetworkOutputs, load_balancer_subnets
from batchctl.resources.ec2.placement import Placement, choose_subnets
from batchctl.resources.ec2.subnets import Vpc as FoundVpc
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


def test_the_default_vpc_takes_two_calls_and_another_one_three(
    aws: Aws, ec2: Any, vpc: Vpc
) -> None:
    default = make_default_vpc_public(ec2)
    subnets = [vpc.public("us-east-1a"), vpc.public("us-east-1b")]
    calls = calls_of(aws, "ec2")
    assert read_network(aws).outputs.id == default
    assert sorted(calls) == ["DescribeRouteTables", "DescribeSubnets"]
    calls.clear()
    assert read_network(aws, vpc_id=vpc.id).outputs.compute_subnet_ids == tuple(subnets)
    assert sorted(calls) == ["DescribeRouteTables", "DescribeSubnets", "DescribeVpcs"]


def test_a_default_vpc_with_subnets_of_ones_own_alone_is_found_all_the_same(
    aws: Aws, ec2: Any
) -> None:
    default = make_default_vpc_public(ec2)
    by_aws = ec2.describe_subnets()["Subnets"]
    made = [
        ec2.create_subnet(VpcId=default, CidrBlock=cidr, AvailabilityZone=zone)["Subnet"]
        for cidr, zone in (("172.31.128.0/20", "us-east-1a"), ("172.31.144.0/20", "us-east-1b"))
    ]
    assert not any(each["DefaultForAz"] for each in made)
    for each in made:
        ec2.modify_subnet_attribute(SubnetId=each["SubnetId"], MapPublicIpOnLaunch={"Value": True})
    for each in by_aws:
        ec2.delete_subnet(SubnetId=each["SubnetId"])
    found = read_network(aws, needs_load_balancer=False)
    assert found.outputs.id == default
    assert set(found.outputs.compute_subnet_ids) == {each["SubnetId"] for each in made}


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


def subnet(name: str, zone: str, **more: Any) -> dict[str, Any]:
    """A public subnet as DescribeSubnets answers it, with room for a load balancer."""
    return {
        "SubnetId": f"subnet-{name}",
        "AvailabilityZone": f"us-east-1{zone}",
        "CidrBlock": "10.0.0.0/24",
        "MapPublicIpOnLaunch": True,
        "AvailableIpAddressCount": 250,
        **more,
    }


def placed(*subnets: dict[str, Any], present: Collection[str] = (), **wanted: Any) -> Placement:
    """Return where everything goes in a VPC of these subnets, all of them public."""
    to_internet = [{"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"}]
    tables = [{"Associations": [{"Main": True}], "Routes": to_internet}]
    found = FoundVpc("vpc-1", "VPC", subnets_of(subnets, tables, "us-east-1"), lambda: present)
    named = ("ComputeSubnetIds", "FunctionSubnetIds", "LoadBalancerSubnetIds")
    none: dict[str, Any] = {key: [] for key in named}
    return choose_subnets(found, {**none, "NeedsLoadBalancer": True, **wanted})


def test_the_load_balancer_gets_no_full_subnet_where_the_zone_has_another() -> None:
    full = subnet("0full", "a", AvailableIpAddressCount=7)
    found = placed(full, subnet("1roomy", "a"), subnet("2", "b"))
    assert [each.id for each in found.load_balancer] == ["subnet-1roomy", "subnet-2"]


def test_a_load_balancer_that_filled_its_subnet_stays_there() -> None:
    full = subnet("0full", "a", AvailableIpAddressCount=3)
    among = (full, subnet("1roomy", "a"), subnet("2", "b"))
    found = placed(*among, present={"subnet-0full", "subnet-2"})
    assert [each.id for each in found.load_balancer] == ["subnet-0full", "subnet-2"]


def test_full_subnets_are_found_before_a_load_balancer_is_made() -> None:
    full = [subnet(zone, zone, AvailableIpAddressCount=7) for zone in "ab"]
    with pytest.raises(BatchctlError, match="in 2 zones with 8 free addresses each") as caught:
        placed(*full)
    assert str(caught.value).endswith("there are some in none")


def test_a_full_subnet_given_for_a_load_balancer_is_an_error_but_for_one_that_stands_there() -> (
    None
):
    given = (subnet("a", "a", AvailableIpAddressCount=7), subnet("b", "b"))
    ids = ["subnet-a", "subnet-b"]
    with pytest.raises(BatchctlError, match="7 of its addresses are free, 8 must be"):
        placed(*given, LoadBalancerSubnetIds=ids)
    found = placed(*given, LoadBalancerSubnetIds=ids, present=ids)
    assert [each.id for each in found.load_balancer] == ids


def test_where_the_load_balancer_stands_is_looked_up_only_where_room_is_short(
    aws: Aws, vpc: Vpc
) -> None:
    vpc.public("us-east-1a")
    vpc.public("us-east-1b")
    calls = calls_of(aws, "elbv2")
    read_network(aws, vpc_id=vpc.id, load_balancer_name="batchapp-api")
    assert calls == []


def test_a_load_balancer_is_known_by_its_name_and_that_of_its_replacement(
    aws: Aws, vpc: Vpc
) -> None:
    subnets = [vpc.public("us-east-1a"), vpc.public("us-east-1b")]
    elbv2: Any = aws.connection.client("elbv2")
    elbv2.create_load_balancer(Name="batchapp-api-2", Subnets=subnets)
    elbv2.create_load_balancer(Name="batchapp-apis", Subnets=[vpc.public("us-east-1c"), subnets[0]])
    assert load_balancer_subnets(aws, vpc.id, "batchapp-api") == set(subnets)


def test_compute_in_a_full_subnet_is_said() -> None:
    given = (subnet("a", "a", AvailableIpAddressCount=0), subnet("b", "b"))
    found = placed(*given, NeedsLoadBalancer=False, ComputeSubnetIds=["subnet-a", "subnet-b"])
    assert found.notes == ("`subnet-a` has no free addresses: no further host can start there",)


IPV6_ONLY = {"CidrBlock": None, "Ipv6Native": True, "AvailableIpAddressCount": 0}


def test_nothing_is_put_into_a_subnet_without_ipv4() -> None:
    found = placed(subnet("0six", "a", **IPV6_ONLY), subnet("1", "a"), subnet("2", "b"))
    for chosen in (found.load_balancer, found.compute):
        assert [each.id for each in chosen] == ["subnet-1", "subnet-2"]


@pytest.mark.parametrize("key", ["ComputeSubnetIds", "FunctionSubnetIds", "LoadBalancerSubnetIds"])
def test_a_given_subnet_without_ipv4_is_an_error(key: str) -> None:
    subnets = (subnet("0six", "a", **IPV6_ONLY), subnet("1", "b"))
    with pytest.raises(BatchctlError, match=r"`subnet-0six`.*it has no IPv4 addresses"):
        placed(*subnets, **{key: ["subnet-0six", "subnet-1"]})


def test_a_vpc_of_subnets_without_ipv4_is_an_error() -> None:
    with pytest.raises(BatchctlError, match=r"none of its subnets \(1\) has IPv4 addresses"):
        placed(subnet("0six", "a", **IPV6_ONLY), NeedsLoadBalancer=False)


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
