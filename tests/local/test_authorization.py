"""What a call is authorised on, as AWS's Service Authorization Reference has it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from batchctl.local.emulator.authorization import (
    AuthorizedCall,
    Check,
    beside,
    chief,
    own_context,
    parameters,
)

ARN = "arn:aws:{}:us-east-1:123456789012:{}"
ROLE = "arn:aws:iam::123456789012:role/app-job"
BATCHS = (
    "arn:aws:iam::123456789012:role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch"
)
BALANCER = ARN.format("elasticloadbalancing", "loadbalancer/app/app-api/1")


def call(service: str, operation: str, *linked: str, **given: Any) -> AuthorizedCall:
    paths = {("role", "app-job"): "/team/", ("instance-profile", "app-instance"): "/team/"}
    return AuthorizedCall(
        service,
        operation,
        given,
        "us-east-1",
        "123456789012",
        lambda kind, name: paths.get((kind, name), ""),
        lambda uuid: f"function-of-{uuid}",
        frozenset(linked),
    )


@pytest.mark.parametrize(
    ("one", "arn"),
    [
        (
            call("iam", "GetRole", RoleName="app-job"),
            "arn:aws:iam::123456789012:role/team/app-job",
        ),
        (
            call("iam", "CreateRole", RoleName="new", Path="/x/"),
            "arn:aws:iam::123456789012:role/x/new",
        ),
        (
            call(
                "iam", "AddRoleToInstanceProfile", RoleName="r", InstanceProfileName="app-instance"
            ),
            "arn:aws:iam::123456789012:instance-profile/team/app-instance",
        ),
        (call("iam", "CreateServiceLinkedRole", AWSServiceName="batch.amazonaws.com"), BATCHS),
        (call("iam", "ListRoles"), None),
        (call("ec2", "DescribeSubnets", VpcId="vpc-1"), "*"),
        (call("ec2", "CreateSecurityGroup", VpcId="v"), ARN.format("ec2", "security-group/*")),
        (
            call("ec2", "DeleteLaunchTemplate", LaunchTemplateId="lt-1"),
            ARN.format("ec2", "launch-template/lt-1"),
        ),
        (
            call("ec2", "CreateTags", **{"ResourceId.1": "sg-1"}),
            ARN.format("ec2", "security-group/sg-1"),
        ),
        (call("ec2", "CreateTags", **{"ResourceId.1": "i-1"}), None),
        (
            call("elasticloadbalancing", "CreateLoadBalancer", Name="app-api"),
            ARN.format("elasticloadbalancing", "loadbalancer/app/app-api/*"),
        ),
        (call("elasticloadbalancing", "DeleteRule", RuleArn="arn:rule"), "arn:rule"),
        (call("events", "PutRule", Name="app-x"), ARN.format("events", "rule/app-x")),
        (call("events", "PutRule", Name="x", EventBusName="other"), None),
        (call("lambda", "CreateFunction", FunctionName="f"), ARN.format("lambda", "function:f")),
        (call("lambda", "GetFunction", FunctionName="f"), None),
        (call("ecr", "TagResource", resourceArn="arn:repository"), "arn:repository"),
        (call("sqs", "CreateQueue", QueueName="q"), None),
    ],
    ids=lambda each: each.operation if isinstance(each, AuthorizedCall) else "",
)
def test_the_resource_of_a_call(one: AuthorizedCall, arn: str | None) -> None:
    assert chief(one) == arn


def actions(one: AuthorizedCall) -> list[str]:
    return [each.action for each in beside(one)]


def test_what_is_made_with_tags_needs_the_right_to_tag_it() -> None:
    (check,) = beside(call("sqs", "CreateQueue", QueueName="app-jobs", tags={"a": "b"}))
    assert check == Check("sqs:TagQueue", ARN.format("sqs", "app-jobs"))
    assert actions(call("sqs", "CreateQueue", QueueName="app-jobs")) == []
    tagged = {"Tags.member.1.Key": "a"}
    rule = call("elasticloadbalancing", "CreateListener", LoadBalancerArn=BALANCER, **tagged)
    (check,) = beside(rule)
    assert check.arn == ARN.format("elasticloadbalancing", "listener/app/app-api/1/*")


def test_tags_of_ec2_are_known_with_what_makes_them() -> None:
    given = {
        "TagSpecification.1.ResourceType": "launch-template",
        "TagSpecification.1.Tag.1.Key": "batchctl:stack",
        "TagSpecification.1.Tag.1.Value": "app",
    }
    made = call("ec2", "CreateLaunchTemplate", **given)
    (check,) = beside(made)
    assert check.action == "ec2:CreateTags"
    assert check.context == {"ec2:createaction": "CreateLaunchTemplate"}
    assert own_context(made) == {"aws:requesttag/batchctl:stack": "app"}


@pytest.mark.parametrize(
    ("one", "role", "service"),
    [
        (call("lambda", "CreateFunction", Role=ROLE), ROLE, "lambda.amazonaws.com"),
        (
            call("batch", "RegisterJobDefinition", containerProperties={"jobRoleArn": ROLE}),
            ROLE,
            "ecs-tasks.amazonaws.com",
        ),
        (
            call("batch", "CreateComputeEnvironment", serviceRole=BATCHS),
            BATCHS,
            "batch.amazonaws.com",
        ),
        (
            call("iam", "AddRoleToInstanceProfile", RoleName="app-job"),
            "arn:aws:iam::123456789012:role/team/app-job",
            "ec2.amazonaws.com",
        ),
    ],
    ids=lambda each: each.operation if isinstance(each, AuthorizedCall) else "",
)
def test_a_role_that_is_passed_is_checked_with_to_whom(
    one: AuthorizedCall, role: str, service: str
) -> None:
    assert Check("iam:PassRole", role, {"iam:passedtoservice": service}) in list(beside(one))


def test_a_load_balancer_needs_ec2_and_the_first_its_services_role() -> None:
    first = call("elasticloadbalancing", "CreateLoadBalancer", Name="a")
    assert "ec2:DescribeInternetGateways" in actions(first)
    assert "iam:CreateServiceLinkedRole" in actions(first)
    made = "elasticloadbalancing.amazonaws.com"
    later = call("elasticloadbalancing", "CreateLoadBalancer", made, Name="a")
    assert "iam:CreateServiceLinkedRole" not in actions(later)


def test_a_security_group_is_checked_on_its_vpc_as_well() -> None:
    (check,) = beside(call("ec2", "CreateSecurityGroup", VpcId="vpc-1"))
    assert check == Check("ec2:CreateSecurityGroup", ARN.format("ec2", "vpc/vpc-1"))


def test_an_event_source_mapping_is_known_by_its_function() -> None:
    key = "lambda:functionarn"
    made = call("lambda", "CreateEventSourceMapping", FunctionName="f")
    assert own_context(made)[key] == ARN.format("lambda", "function:f")
    assert own_context(call("lambda", "GetEventSourceMapping", UUID="1"))[key] == "function-of-1"


def test_parameters_are_those_of_either_protocol() -> None:
    assert parameters(b"", {"Name": ["a"], "X": "b"}) == {"Name": "a", "X": "b"}
    assert parameters(json.dumps({"Name": "a"}).encode(), {}) == {"Name": "a"}
    assert parameters(b"{no json", {"Name": ["a"]}) == {"Name": "a"}
