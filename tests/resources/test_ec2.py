from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from default_vpc import make_default_vpc_public
from examples_ec2 import compute, network, security_group
from faults import Killed, answered_by, calls_of, fail, kill
from verbs import changes, found, make, repair

from batchctl.aws.clock import Clock
from batchctl.aws.session import Aws
from batchctl.resource import Deployed, NotOwned, Outputs
from batchctl.resources.ec2.security_groups import Ingress

EVERYONE = {
    "IpProtocol": "tcp",
    "FromPort": 22,
    "ToPort": 22,
    "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
}


@pytest.fixture
def ec2(aws: Aws) -> Any:
    """EC2 without us in between, with a default VPC as AWS makes it."""
    ec2 = aws.connection.client("ec2")
    make_default_vpc_public(ec2)
    return ec2


@pytest.fixture
def deployed(aws: Aws, ec2: Any) -> Deployed:
    deployed = Deployed(aws)
    make(network, deployed)
    return deployed


@pytest.fixture
def group(deployed: Deployed) -> Outputs:
    """The load balancer's group, made."""
    return make(security_group, deployed)


def described(ec2: Any, group: Outputs) -> Any:
    return ec2.describe_security_groups(GroupIds=[group.id])["SecurityGroups"][0]


def test_a_group_lets_in_what_was_asked_for_over_both_families(ec2: Any, group: Outputs) -> None:
    rules = described(ec2, group)["IpPermissions"]
    sources = [
        cidr
        for rule in rules
        for cidr in (
            *(each["CidrIp"] for each in rule["IpRanges"]),
            *(each["CidrIpv6"] for each in rule["Ipv6Ranges"]),
        )
    ]
    assert sorted(sources) == ["2001:db8::/32", "203.0.113.0/24"]
    assert {(rule["FromPort"], rule["ToPort"]) for rule in rules} == {(9999, 9999)}


def test_a_group_carries_the_tags_from_its_making(ec2: Any, group: Outputs) -> None:
    tags = {tag["Key"]: tag["Value"] for tag in described(ec2, group)["Tags"]}
    assert tags == {
        "batchctl:stack": "batchapp",
        "batchctl:region": "us-east-1",
        "team": "quant",
    }


def test_a_network_with_host_bits_is_no_difference(ec2: Any, deployed: Deployed) -> None:
    careless = dataclasses.replace(
        security_group, ingress=(Ingress(port=9999, cidrs=("203.0.113.7/24",)),)
    )
    make(careless, deployed)
    assert changes(careless, deployed) == ()


def test_rules_of_other_hands_are_revoked_and_lost_ones_come_back(
    ec2: Any, deployed: Deployed, group: Outputs
) -> None:
    ours = described(ec2, group)["IpPermissions"]
    ec2.revoke_security_group_ingress(GroupId=group.id, IpPermissions=ours)
    ec2.authorize_security_group_ingress(GroupId=group.id, IpPermissions=[EVERYONE])
    assert [change.path for change in changes(security_group, deployed)] == ["IpPermissions"]
    repair(security_group, deployed)
    assert changes(security_group, deployed) == ()


def test_the_description_of_a_rule_is_no_difference(
    ec2: Any, deployed: Deployed, group: Outputs
) -> None:
    source = {"CidrIp": "203.0.113.0/24"}
    rule = {"IpProtocol": "tcp", "FromPort": 9999, "ToPort": 9999}
    bare, named = (
        {**rule, "IpRanges": [{**source, **more}]} for more in ({}, {"Description": "x"})
    )
    ec2.revoke_security_group_ingress(GroupId=group.id, IpPermissions=[bare])
    ec2.authorize_security_group_ingress(GroupId=group.id, IpPermissions=[named])
    assert changes(security_group, deployed) == ()


def test_the_rule_that_ec2_adds_in_a_vpc_with_ipv6_goes(ec2: Any, deployed: Deployed) -> None:
    ec2.associate_vpc_cidr_block(VpcId=deployed[network].id, AmazonProvidedIpv6CidrBlock=True)
    theirs = ec2.create_security_group(
        GroupName="theirs", Description="as EC2 makes it", VpcId=deployed[network].id
    )
    as_made = ec2.describe_security_groups(GroupIds=[theirs["GroupId"]])["SecurityGroups"][0]
    assert [rule["Ipv6Ranges"] for rule in as_made["IpPermissionsEgress"]] != [[]]
    made = make(compute, deployed)
    rules = described(ec2, made)["IpPermissionsEgress"]
    assert [rule["Ipv6Ranges"] for rule in rules] == [[]]


def test_a_group_without_egress_has_no_rule_at_all(ec2: Any, deployed: Deployed) -> None:
    made = make(dataclasses.replace(compute, open_egress=False), deployed)
    assert described(ec2, made)["IpPermissionsEgress"] == []


def test_a_group_that_was_cut_off_before_its_rules_is_finished(
    aws: Aws, deployed: Deployed
) -> None:
    kill(aws, "ec2.AuthorizeSecurityGroupIngress")
    with pytest.raises(Killed):
        make(security_group, deployed)
    assert [change.path for change in changes(security_group, deployed)] == ["IpPermissions"]
    repair(security_group, deployed)
    assert changes(security_group, deployed) == ()


def test_a_new_group_that_is_not_seen_yet_is_waited_for(
    aws: Aws, clock: Clock, deployed: Deployed
) -> None:
    text = "The security group 'sg-0a1b2c3d4e5f67890' does not exist"
    fail(aws, "ec2.DescribeSecurityGroups", "InvalidGroup.NotFound", text, times=2)
    fail(aws, "ec2.AuthorizeSecurityGroupIngress", "InvalidGroup.NotFound", text, times=2)
    make(security_group, deployed)
    assert changes(security_group, deployed) == ()
    assert clock.now() > 0


def test_a_rule_that_is_there_already_does_not_keep_out_the_others(
    aws: Aws, deployed: Deployed
) -> None:
    text = 'the specified rule "peer: 203.0.113.0/24, TCP, from port: 9999" already exists'
    fail(aws, "ec2.AuthorizeSecurityGroupIngress", "InvalidPermission.Duplicate", text)
    make(security_group, deployed)
    assert changes(security_group, deployed) == ()


def test_a_rule_that_is_gone_already_does_not_keep_the_others(
    aws: Aws, ec2: Any, deployed: Deployed, group: Outputs
) -> None:
    ec2.authorize_security_group_ingress(GroupId=group.id, IpPermissions=[EVERYONE])
    text = "The specified rule does not exist in this security group."
    fail(aws, "ec2.RevokeSecurityGroupIngress", "InvalidPermission.NotFound", text)
    repair(dataclasses.replace(security_group, ingress=()), deployed)
    assert described(ec2, group)["IpPermissions"] == []


def test_a_group_of_others_is_left_alone(aws: Aws, ec2: Any, deployed: Deployed) -> None:
    ec2.create_security_group(
        GroupName=security_group.name, Description="theirs", VpcId=deployed[network].id
    )
    with pytest.raises(NotOwned, match="security group `batchapp-load-balancer` exists"):
        security_group.read(aws, None, security_group.desired(deployed))


def test_a_group_of_that_name_in_another_vpc_is_not_ours(
    aws: Aws, ec2: Any, deployed: Deployed
) -> None:
    other = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    ec2.create_security_group(GroupName=security_group.name, Description="theirs", VpcId=other)
    assert security_group.read(aws, None, security_group.desired(deployed)) is None


def test_a_group_in_use_is_deleted_once_ec2_lets_go(
    aws: Aws, clock: Clock, ec2: Any, group: Outputs
) -> None:
    text = f"resource {group.id} has a dependent object"
    fail(aws, "ec2.DeleteSecurityGroup", "DependencyViolation", text, times=20)
    security_group.delete(aws, group)
    left = ec2.describe_security_groups()["SecurityGroups"]
    assert group.id not in {each["GroupId"] for each in left}
    assert clock.now() > 20


def test_interfaces_that_functions_left_behind_are_deleted_with_the_group(
    aws: Aws, ec2: Any, deployed: Deployed, group: Outputs
) -> None:
    left_behind = ec2.create_network_interface(
        SubnetId=deployed[network].compute_subnet_ids[0],
        Groups=[group.id],
        Description="AWS Lambda VPC ENI-batchapp-TaskReceiver-0a1b",
    )["NetworkInterface"]
    security_group.delete(aws, group)
    interfaces = ec2.describe_network_interfaces()["NetworkInterfaces"]
    assert left_behind["NetworkInterfaceId"] not in {e["NetworkInterfaceId"] for e in interfaces}


def test_interfaces_of_functions_in_use_are_waited_for(
    aws: Aws, clock: Clock, group: Outputs
) -> None:
    used = {"NetworkInterfaceId": "eni-0a1b2c3d4e5f67890", "Status": "in-use"}
    answers = iter([{"NetworkInterfaces": [used]}] * 10)
    answered_by(aws, "ec2.DescribeNetworkInterfaces", lambda: next(answers, None))
    security_group.delete(aws, group)
    assert clock.now() > 10


def test_reading_a_group_takes_one_call(aws: Aws, deployed: Deployed, group: Outputs) -> None:
    calls = calls_of(aws, "ec2")
    security_group.read(aws, group, security_group.desired(deployed))
    assert calls == ["DescribeSecurityGroups"]


def test_without_a_record_a_group_is_found_by_name_and_vpc(
    deployed: Deployed, group: Outputs
) -> None:
    assert found(security_group, deployed).outputs == group
