"""The Lambda kinds against what AWS does and moto doesn't: states, IAM's delay, lost statements."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from answers import alter, sent
from default_vpc import make_default_vpc_public
from engine_runs import down, outputs, plan, step_of, up
from examples_awslambda import function, mapping, package, permission, target_group
from examples_ec2 import compute
from faults import fail

from batchctl.aws.errors import NotReady
from batchctl.aws.session import Aws, Connection
from batchctl.engine.plan import Action
from batchctl.resource import Deployed, NotOwned
from batchctl.resources.ec2.network import Network

WRITES = ("CreateFunction", "UpdateFunctionConfiguration", "UpdateFunctionCode", "DeleteFunction")


@pytest.fixture
def awslambda(aws: Aws) -> Any:
    """Lambda as boto3 shows it: the witness."""
    return aws.connection.session.client("lambda")


def with_configuration(**values: Any) -> Callable[[Any], None]:
    return lambda answer: answer.get("Configuration", {}).update(values)


def writes(aws: Aws) -> list[tuple[str, Any]]:
    return sent(aws, *(f"lambda.{operation}" for operation in WRITES))


def test_a_function_is_made_when_iam_shows_its_role(
    aws: Aws, awslambda: Any, tmp_path: Path
) -> None:
    text = "The role defined for the function cannot be assumed by Lambda."
    fail(aws, "lambda.CreateFunction", "InvalidParameterValueException", text, times=4)
    outputs(up(aws, tmp_path, function), function)
    assert awslambda.get_function(FunctionName=function.name)["Tags"] == aws.tags


def being_made(aws: Aws) -> None:
    """Let the answer to a creation say Pending, as AWS's does."""
    alter(aws, "lambda.CreateFunction", lambda answer: answer.update(State="Pending"))


def test_a_function_that_is_active_at_once_is_not_asked_for_again(aws: Aws, tmp_path: Path) -> None:
    polls = sent(aws, "lambda.GetFunction")
    outputs(up(aws, tmp_path, function), function)
    assert len(polls) == 1


def test_a_new_function_is_waited_for_until_it_is_active(aws: Aws, tmp_path: Path) -> None:
    being_made(aws)
    pending = with_configuration(State="Pending")
    alter(aws, "lambda.GetFunction", pending, after=1, times=5)
    polls = sent(aws, "lambda.GetFunction")
    outputs(up(aws, tmp_path, function), function)
    # One to see that there is none, one for each time it was pending, one that found it active.
    assert len(polls) == 7


def test_a_function_that_lambda_could_not_make_fails_with_the_reason(
    aws: Aws, tmp_path: Path
) -> None:
    being_made(aws)
    failed = with_configuration(State="Failed", StateReason="No free addresses in the subnet")
    alter(aws, "lambda.GetFunction", failed)
    error = up(aws, tmp_path, function).outcome.failed[function.address]
    assert isinstance(error, NotReady)
    assert "No free addresses in the subnet" in error.message


def test_a_failed_function_is_deleted_and_made_again(aws: Aws, tmp_path: Path) -> None:
    outputs(up(aws, tmp_path, function), function)
    failed = with_configuration(State="Failed", StateReason="No free addresses in the subnet")
    alter(aws, "lambda.GetFunction", failed, times=2)
    step = step_of(plan(aws, tmp_path, function), function)
    assert [(each.path, each.old, each.new) for each in step.changes] == [
        ("State", "Failed", "Active")
    ]
    assert step.notes == ("State Failed: No free addresses in the subnet",)
    calls = writes(aws)
    outputs(up(aws, tmp_path, function), function)
    assert [name for name, _ in calls] == ["DeleteFunction", "CreateFunction"]


def test_a_function_that_is_idle_for_weeks_is_no_difference(aws: Aws, tmp_path: Path) -> None:
    outputs(up(aws, tmp_path, function), function)
    alter(aws, "lambda.GetFunction", with_configuration(State="Inactive"))
    assert plan(aws, tmp_path, function).changes == ()


def test_code_of_the_same_hash_is_not_uploaded(aws: Aws, tmp_path: Path) -> None:
    outputs(up(aws, tmp_path, function), function)
    calls = writes(aws)
    outputs(up(aws, tmp_path, dataclasses.replace(function, memory_mib=1024)), function)
    assert calls == [
        (
            "UpdateFunctionConfiguration",
            {"FunctionName": function.name, "MemorySize": 1024},
        )
    ]


def test_other_code_is_uploaded_and_nothing_else_is_touched(aws: Aws, tmp_path: Path) -> None:
    outputs(up(aws, tmp_path, function), function)
    calls = writes(aws)
    other = dataclasses.replace(function, package=package("def handler(*_): pass"))
    outputs(up(aws, tmp_path, other), function)
    parameters = {
        "FunctionName": function.name,
        "ZipFile": other.package.content,
        "Architectures": ["arm64"],
    }
    assert calls == [("UpdateFunctionCode", parameters)]


def test_another_architecture_comes_with_the_code_after_the_settings_have_settled(
    aws: Aws, tmp_path: Path
) -> None:
    outputs(up(aws, tmp_path, function), function)
    in_progress = with_configuration(LastUpdateStatus="InProgress")
    alter(aws, "lambda.GetFunction", in_progress, after=1, times=2)
    calls = sent(aws, *(f"lambda.{name}" for name in (*WRITES, "GetFunction")))
    up(aws, tmp_path, dataclasses.replace(function, architecture="x86_64", timeout_s=30))
    assert [name for name, _ in calls] == [
        "GetFunction",
        "UpdateFunctionConfiguration",
        *["GetFunction"] * 3,
        "UpdateFunctionCode",
        "GetFunction",
    ]
    assert calls[-2][1]["Architectures"] == ["x86_64"]


def test_an_update_that_failed_is_sent_again_whole(aws: Aws, tmp_path: Path) -> None:
    outputs(up(aws, tmp_path, function), function)
    failed = with_configuration(LastUpdateStatus="Failed", LastUpdateStatusReason="No such subnet")
    alter(aws, "lambda.GetFunction", failed, after=1, times=2)
    changed = dataclasses.replace(function, timeout_s=30)
    error = up(aws, tmp_path, changed).outcome.failed[function.address]
    assert isinstance(error, NotReady)
    assert "No such subnet" in error.message
    calls = writes(aws)
    outputs(up(aws, tmp_path, changed), function)
    assert [name for name, _ in calls] == ["UpdateFunctionConfiguration", "UpdateFunctionCode"]
    assert {"Role", "Handler", "Environment", "VpcConfig"} <= set(calls[0][1])


def test_variables_by_other_hands_are_removed(aws: Aws, awslambda: Any, tmp_path: Path) -> None:
    outputs(up(aws, tmp_path, function), function)
    awslambda.update_function_configuration(
        FunctionName=function.name, Environment={"Variables": {"DEBUG": "1"}}
    )
    outputs(up(aws, tmp_path, function), function)
    configuration = awslambda.get_function_configuration(FunctionName=function.name)
    assert set(configuration["Environment"]["Variables"]) == {"QUEUE_URL", "JOB_QUEUE"}


def test_a_function_of_this_name_without_our_tag_is_left_alone(
    aws: Aws, awslambda: Any, tmp_path: Path
) -> None:
    arn = outputs(up(aws, tmp_path, function), function).arn
    awslambda.untag_resource(Resource=arn, TagKeys=["batchctl:stack"])
    assert isinstance(plan(aws, tmp_path, function).outcome.failed[function.address], NotOwned)


def in_vpc(aws: Aws) -> Any:
    """The function in the first subnet of the default VPC."""
    make_default_vpc_public(aws.connection.client("ec2"))
    subnet = aws.ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    network = Network(
        label="network", name="VPC", function_subnet_ids=(subnet,), needs_load_balancer=False
    )
    group = dataclasses.replace(compute, network=network)
    return dataclasses.replace(function, network=network, security_group=group)


def test_a_function_goes_into_the_vpc_and_out_again(
    aws: Aws, awslambda: Any, tmp_path: Path
) -> None:
    inside = in_vpc(aws)
    result = up(aws, tmp_path, inside)
    group = outputs(result, inside.security_group).id
    assert outputs(result, inside).security_group_id == group
    calls = writes(aws)
    up(aws, tmp_path, dataclasses.replace(inside, network=None, security_group=None))
    assert [each["VpcConfig"] for _, each in calls] == [{"SubnetIds": [], "SecurityGroupIds": []}]


def test_the_role_outlives_the_interfaces_that_lambda_removes_with_it(
    aws: Aws, tmp_path: Path
) -> None:
    inside = in_vpc(aws)
    group = outputs(up(aws, tmp_path, inside), inside).security_group_id
    interface = aws.ec2.create_network_interface(
        SubnetId=inside.network.function_subnet_ids[0],
        Groups=[group],
        Description="AWS Lambda VPC ENI-batchapp-1",
    )["NetworkInterface"]["NetworkInterfaceId"]

    def in_use(answer: Any) -> None:
        answer["NetworkInterfaces"] = [{"NetworkInterfaceId": interface, "Status": "in-use"}]

    alter(aws, "ec2.DescribeNetworkInterfaces", in_use, times=3)
    calls = sent(
        aws, "lambda.DeleteFunction", "ec2.DescribeNetworkInterfaces", "ec2.DeleteNetworkInterface"
    )
    roles = sent(aws, "iam.DeleteRole")
    polls_before_role: list[int] = []
    alter(aws, "iam.DeleteRole", lambda _: polls_before_role.append(len(calls)))
    assert not down(aws, tmp_path).failed
    assert [name for name, _ in calls][:6] == [
        "DeleteFunction",
        *["DescribeNetworkInterfaces"] * 4,
        "DeleteNetworkInterface",
    ]
    assert len(roles) == 1
    assert polls_before_role[0] >= 6


def test_interfaces_that_other_functions_use_are_not_waited_for(aws: Aws, tmp_path: Path) -> None:
    inside = in_vpc(aws)
    other = dataclasses.replace(inside, label="other", name="batchapp-Other")
    up(aws, tmp_path, inside, other)
    reads = sent(aws, "ec2.DescribeNetworkInterfaces")
    outputs(up(aws, tmp_path, other), other)
    assert not reads
    assert [each["FunctionName"] for each in aws.awslambda.list_functions()["Functions"]] == [
        "batchapp-Other"
    ]


def test_tags_are_set_and_removed(aws: Aws, awslambda: Any, tmp_path: Path) -> None:
    outputs(up(aws, tmp_path, function), function)
    retagged = Aws(aws.connection, stack=aws.stack, tags={"owner": "desk"}, clock=aws.clock)
    arn = outputs(up(retagged, tmp_path, function), function).arn
    assert awslambda.list_tags(Resource=arn)["Tags"] == retagged.tags


def test_aws_cn_gets_no_tracing_and_the_architecture_that_is_known_to_exist() -> None:
    session = boto3.Session("testing", "testing", region_name="cn-north-1")
    aws = Aws(Connection(session), stack="batchapp", tags={})
    aws.__dict__["account"] = "000000000000"
    desired = function.desired(Deployed(aws))
    assert "TracingConfig" not in desired
    assert desired["Architectures"] == ["x86_64"]


def test_a_mapping_reports_each_failed_message_by_itself(
    aws: Aws, awslambda: Any, tmp_path: Path
) -> None:
    uuid = outputs(up(aws, tmp_path, mapping), mapping).id
    found = awslambda.get_event_source_mapping(UUID=uuid)
    assert found["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


@pytest.mark.parametrize(
    "text",
    [
        "Queue visibility timeout: 30 seconds is less than Function timeout: 60 seconds",
        "The provided execution role does not have permissions to call ReceiveMessage on SQS",
    ],
)
def test_a_mapping_waits_for_the_queue_and_the_role(aws: Aws, tmp_path: Path, text: str) -> None:
    operation = "lambda.CreateEventSourceMapping"
    fail(aws, operation, "InvalidParameterValueException", text, times=3)
    assert outputs(up(aws, tmp_path, mapping), mapping).id


def test_a_mapping_that_exists_is_taken_as_it_is(aws: Aws, awslambda: Any, tmp_path: Path) -> None:
    uuid = outputs(up(aws, tmp_path, mapping), mapping).id
    alter(
        aws, "lambda.ListEventSourceMappings", lambda a: a.update(EventSourceMappings=[]), times=1
    )
    fail(aws, "lambda.CreateEventSourceMapping", "ResourceConflictException", "already exists")
    assert outputs(up(aws, tmp_path / "lost", mapping), mapping).id == uuid
    assert len(awslambda.list_event_source_mappings()["EventSourceMappings"]) == 1


def test_a_mapping_disabled_by_other_hands_is_enabled(
    aws: Aws, awslambda: Any, tmp_path: Path
) -> None:
    uuid = outputs(up(aws, tmp_path, mapping), mapping).id
    awslambda.update_event_source_mapping(UUID=uuid, Enabled=False)
    outputs(up(aws, tmp_path, mapping), mapping)
    assert awslambda.get_event_source_mapping(UUID=uuid)["State"] == "Enabled"


def test_a_mapping_that_is_being_deleted_is_waited_out(aws: Aws, tmp_path: Path) -> None:
    found = outputs(up(aws, tmp_path, mapping), mapping)
    polls = sent(aws, "lambda.GetEventSourceMapping")
    in_use = "The event source mapping is in use"
    fail(aws, "lambda.DeleteEventSourceMapping", "ResourceInUseException", in_use, times=2)
    type(mapping).delete(aws, found)
    assert len(polls) == 1


@pytest.fixture
def public_default_vpc(aws: Aws) -> None:
    """The default VPC as AWS makes it: a load balancer stands in it."""
    make_default_vpc_public(aws.connection.client("ec2"))


@pytest.mark.usefixtures("public_default_vpc")
def test_a_source_made_again_gets_a_statement_of_its_own(
    aws: Aws, awslambda: Any, tmp_path: Path
) -> None:
    first = outputs(up(aws, tmp_path, permission), permission)
    moved = dataclasses.replace(
        permission, source=dataclasses.replace(target_group, label="other", name="batchapp-other")
    )
    assert step_of(plan(aws, tmp_path, moved), permission).action is Action.REPLACE
    second = outputs(up(aws, tmp_path, moved), permission)
    policy = awslambda.get_policy(FunctionName=function.name)["Policy"]
    assert (first.id in policy, second.id in policy) == (False, True)


@pytest.mark.usefixtures("public_default_vpc")
def test_a_statement_changed_by_other_hands_is_put_right(
    aws: Aws, awslambda: Any, tmp_path: Path
) -> None:
    statement = outputs(up(aws, tmp_path, permission), permission).id
    awslambda.remove_permission(FunctionName=function.name, StatementId=statement)
    awslambda.add_permission(
        FunctionName=function.name,
        StatementId=statement,
        Action="lambda:InvokeFunction",
        Principal="sns.amazonaws.com",
    )
    outputs(up(aws, tmp_path, permission), permission)
    policy = awslambda.get_policy(FunctionName=function.name)["Policy"]
    assert "elasticloadbalancing.amazonaws.com" in policy
    assert "sns" not in policy


@pytest.mark.usefixtures("public_default_vpc")
def test_statements_of_one_function_are_added_one_by_one(aws: Aws, tmp_path: Path) -> None:
    second = dataclasses.replace(
        permission,
        label="second",
        source=dataclasses.replace(target_group, label="second", name="batchapp-second"),
    )
    both_inside = threading.Barrier(2, timeout=0.1)
    met: list[bool] = []

    def meet(**_: Any) -> None:
        try:
            both_inside.wait()
            met.append(True)
        except threading.BrokenBarrierError:
            both_inside.reset()

    aws.connection.client("lambda").meta.events.register("before-call.lambda.AddPermission", meet)
    result = up(aws, tmp_path, permission, second)
    assert outputs(result, permission).id != outputs(result, second).id
    assert not met
