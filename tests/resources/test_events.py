"""EventBridge's and Lambda's traps on the way of events, and who may send to the dead letters."""

from __future__ import annotations

import json
from typing import Any

import pytest
from examples_awslambda import function, package
from examples_awslambda import role as function_role
from examples_batch import queue as compute_queue
from examples_events import async_invocation, dead_letters, rule
from examples_sqs import queue
from faults import Killed, answered_by, fail, kill
from verbs import changes, found, make, repair

from batchctl.aws.errors import NotReady
from batchctl.aws.session import Aws
from batchctl.resource import Deployed, NotOwned, Outputs
from batchctl.resources.awslambda.functions import FunctionOutputs
from batchctl.resources.sqs import QueueOutputs

JOB_QUEUE = "arn:aws:batch:us-east-1:123456789012:job-queue/batchapp-compute"
FUNCTION = f"arn:aws:lambda:us-east-1:123456789012:function:{function.name}"


@pytest.fixture
def deployed(aws: Aws) -> Deployed:
    """What the rule needs is there."""
    made = Deployed(aws)
    make(dead_letters, made)
    made.add(compute_queue, Outputs(compute_queue.name, JOB_QUEUE))
    made.add(function, FunctionOutputs(function.name, FUNCTION, ""))
    return made


@pytest.fixture
def events(aws: Aws) -> Any:
    """EventBridge without us in between."""
    return aws.connection.client("events")


def test_a_rule_sends_the_function_only_noteworthy_ends_of_our_jobs(
    deployed: Deployed, events: Any
) -> None:
    outputs = make(rule, deployed)
    described = events.describe_rule(Name=rule.name)
    assert json.loads(described["EventPattern"]) == {
        "source": ["aws.batch"],
        "detail-type": ["Batch Job State Change"],
        "detail": {
            "jobQueue": [JOB_QUEUE],
            "$or": [
                {"status": ["FAILED"]},
                {"status": ["SUCCEEDED"], "arrayProperties": {"index": [{"exists": False}]}},
                {"status": ["SUCCEEDED"], "attempts": {"statusReason": [{"prefix": "Host EC2"}]}},
                {"status": ["SUCCEEDED"], "attempts": {"container": {"exitCode": [143]}}},
            ],
        },
    }
    (target,) = events.list_targets_by_rule(Rule=rule.name)["Targets"]
    assert target["Arn"] == FUNCTION
    assert target["DeadLetterConfig"]["Arn"] == deployed[dead_letters].arn
    assert outputs.arn == described["Arn"]
    assert {"Key": "batchctl:stack", "Value": "batchapp"} in events.list_tags_for_resource(
        ResourceARN=outputs.arn
    )["Tags"]


def test_a_rule_of_others_is_left_alone(deployed: Deployed, events: Any, aws: Aws) -> None:
    events.put_rule(Name=rule.name, EventPattern='{"source": ["theirs"]}')
    with pytest.raises(NotOwned, match="event rule `batchapp-job-events` exists"):
        rule.read(aws, None, rule.desired(deployed))


def test_a_rule_that_was_cut_off_before_its_target_is_finished(
    aws: Aws, deployed: Deployed, events: Any
) -> None:
    kill(aws, "events.PutTargets")
    with pytest.raises(Killed):
        make(rule, deployed)
    assert [change.path for change in changes(rule, deployed)] == ["Targets"]
    repair(rule, deployed)
    assert len(events.list_targets_by_rule(Rule=rule.name)["Targets"]) == 1


def test_targets_of_other_hands_are_removed(deployed: Deployed, events: Any) -> None:
    make(rule, deployed)
    theirs = {"Id": "theirs", "Arn": deployed[dead_letters].arn}
    events.put_targets(Rule=rule.name, Targets=[theirs])
    repair(rule, deployed)
    assert [each["Id"] for each in events.list_targets_by_rule(Rule=rule.name)["Targets"]] == [
        function.label
    ]


@pytest.mark.parametrize("operation", ["PutTargets", "RemoveTargets"])
def test_an_entry_that_failed_though_the_call_succeeded_is_an_error(
    aws: Aws, deployed: Deployed, events: Any, operation: str
) -> None:
    make(rule, deployed)
    events.put_targets(Rule=rule.name, Targets=[{"Id": "theirs", "Arn": "arn:aws:sqs:x:y:z"}])
    entry = {"TargetId": "theirs", "ErrorCode": "Busy", "ErrorMessage": "in use elsewhere"}
    answered_by(
        aws, f"events.{operation}", lambda: {"FailedEntryCount": 1, "FailedEntries": [entry]}
    )
    with pytest.raises(NotReady, match=r"event rule `batchapp-job-events`: in use elsewhere"):
        repair(rule, deployed)


def test_concurrent_changes_of_a_rule_are_waited_out(aws: Aws, deployed: Deployed) -> None:
    fail(aws, "events.PutRule", "ConcurrentModificationException", times=2)
    fail(aws, "events.PutTargets", "ConcurrentModificationException", times=2)
    make(rule, deployed)
    assert changes(rule, deployed) == ()


def test_a_deleted_rule_takes_its_targets_along(aws: Aws, deployed: Deployed, events: Any) -> None:
    outputs = make(rule, deployed)
    type(rule).delete(aws, outputs)
    type(rule).delete(aws, outputs)
    assert events.list_rules()["Rules"] == []


def test_only_the_rule_may_send_to_the_dead_letters(deployed: Deployed, aws: Aws) -> None:
    url = deployed[dead_letters].url
    attributes = aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]
    only_tls, statement = json.loads(attributes["Policy"])["Statement"]
    assert (only_tls["Effect"], only_tls["Principal"]) == ("Deny", "*")
    assert only_tls["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Action"] == "sqs:SendMessage"
    assert statement["Resource"] == deployed[dead_letters].arn
    assert statement["Condition"] == {
        "ArnEquals": {
            "aws:SourceArn": "arn:aws:events:us-east-1:123456789012:rule/batchapp-job-events"
        }
    }


def _make_function(deployed: Deployed) -> None:
    deployed.add(queue, QueueOutputs(queue.name, deployed.aws.arn("sqs", queue.name), ""))
    make(function_role, deployed)
    deployed.aws.awslambda.create_function(
        FunctionName=function.name,
        Role=deployed[function_role].arn,
        Handler="code.handler",
        Runtime="python3.13",
        Code={"ZipFile": package("def handler(*_): pass").content},
    )


@pytest.mark.parametrize(
    "said",
    [
        "The function's execution role does not have permissions to call SendMessage on arn:x",
        "The destination ARN arn:x is invalid.",
    ],
)
def test_lambda_is_waited_for_until_it_sees_role_and_queue(
    deployed: Deployed, aws: Aws, said: str
) -> None:
    _make_function(deployed)
    operation = "lambda.PutFunctionEventInvokeConfig"
    fail(aws, operation, "InvalidParameterValueException", said, times=3)
    make(async_invocation, deployed)
    configuration = found(async_invocation, deployed).properties
    destination = configuration["DestinationConfig"]["OnFailure"]["Destination"]
    assert (configuration["MaximumRetryAttempts"], destination) == (2, deployed[dead_letters].arn)


def test_without_a_function_there_is_no_configuration(deployed: Deployed, aws: Aws) -> None:
    assert async_invocation.read(aws, None, async_invocation.desired(deployed)) is None
    type(async_invocation).delete(aws, Outputs(id=function.name, arn=""))
