"""AWS's own errors in whole runs: `up` and `down` wait them out and end as if nothing had been."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import witness
from built import Application
from faults import answered_by, fail
from moto.batch.models import batch_backends

from batchctl.engine.plan import Action

# Operation, error code, text, and how often it fails before AWS has seen what it waits for.
Trap = tuple[str, str, str, int]
ON_UP: Mapping[str, Trap] = {
    "the queue's timeout has not reached Lambda": (
        "lambda.CreateEventSourceMapping",
        "InvalidParameterValueException",
        "Queue visibility timeout: 30 seconds is less than Function timeout: 60 seconds",
        4,
    ),
    "the name of a deleted queue is still taken": (
        "sqs.CreateQueue",
        "QueueDeletedRecently",
        "You must wait 60 seconds after deleting a queue before you can create another",
        6,
    ),
    "the load balancer does not see its permission": (
        "elbv2.RegisterTargets",
        "AccessDenied",
        "elasticloadbalancing principal does not have permission to invoke the function",
        3,
    ),
    "Lambda can't assume the new role": (
        "lambda.CreateFunction",
        "InvalidParameterValueException",
        "The role defined for the function cannot be assumed by Lambda.",
        5,
    ),
    "Lambda does not show the new function": (
        "lambda.AddPermission",
        "ResourceNotFoundException",
        "Function not found",
        3,
    ),
}
ON_DOWN: Mapping[str, Trap] = {
    "a compute environment seems to be in a queue": (
        "batch.DeleteComputeEnvironment",
        "ClientException",
        "Cannot delete, found existing JobQueue relationship",
        8,
    ),
    "a target group is in use": (
        "elbv2.DeleteTargetGroup",
        "ResourceInUse",
        "Target group is currently in use by a listener or a rule",
        8,
    ),
    "a security group has network interfaces for minutes": (
        "ec2.DeleteSecurityGroup",
        "DependencyViolation",
        "resource has a dependent object",
        60,
    ),
    "a role still has what was taken off": (
        "iam.DeleteRole",
        "DeleteConflict",
        "Cannot delete entity, must detach all policies first.",
        4,
    ),
    "a mapping is being changed": (
        "lambda.DeleteEventSourceMapping",
        "ResourceInUseException",
        "Cannot delete the event source mapping because it is in use.",
        4,
    ),
}


@pytest.mark.parametrize("trap", ON_UP)
def test_up_waits_out(account_in_memory: Application, trap: str) -> None:
    application = account_in_memory
    operation, code, message, times = ON_UP[trap]
    fail(application.aws, operation, code, message, times=times)
    application.up()
    assert application.plan().changes == ()


@pytest.mark.parametrize("trap", ON_DOWN)
def test_down_waits_out(account_in_memory: Application, trap: str) -> None:
    application = account_in_memory
    application.up()
    operation, code, message, times = ON_DOWN[trap]
    fail(application.aws, operation, code, message, times=times)
    outcome = application.down()
    assert not outcome.failed
    _assert_nothing_left(application)


def test_a_function_that_is_being_updated_is_waited_for(account_in_memory: Application) -> None:
    application = account_in_memory
    application.up()
    client = application.client("lambda")
    client.update_function_configuration(FunctionName="batchapp-JobAPI", MemorySize=128)
    message = "The operation cannot be performed at this time. An update is in progress"
    fail(
        application.aws,
        "lambda.UpdateFunctionConfiguration",
        "ResourceConflictException",
        message,
        times=3,
    )
    assert [step.address for step in application.up()] == ["function.api"]
    assert application.plan().changes == ()


def test_an_environment_that_turned_invalid_is_shown_with_its_reason_and_repaired(
    account_in_memory: Application,
) -> None:
    application = account_in_memory
    application.up()
    shown = _shown_as(application, status="INVALID", statusReason="CLIENT_ERROR - no such subnet")
    answered_by(application.aws, "batch.UpdateComputeEnvironment", shown.clear)
    (step,) = application.plan().changes
    assert (step.address, step.action) == ("compute_environment.spot", Action.UPDATE)
    assert step.notes == ("INVALID: CLIENT_ERROR - no such subnet",)
    assert [step.address for step in application.up()] == ["compute_environment.spot"]
    assert application.plan().changes == ()


def test_down_deletes_an_invalid_environment(account_in_memory: Application) -> None:
    application = account_in_memory
    application.up()
    _shown_as(application, status="INVALID", statusReason="CLIENT_ERROR - no such role")
    assert not application.down().failed
    _assert_nothing_left(application)


def test_an_environment_that_somebody_is_deleting_is_waited_for_and_made_again(
    account_in_memory: Application,
) -> None:
    application = account_in_memory
    application.up()
    batch = application.client("batch")
    arn = application.outputs("job_queue.compute").arn
    batch.update_job_queue(jobQueue=arn, state="DISABLED")
    batch.delete_job_queue(jobQueue=arn)
    shown = _shown_as(application, status="DELETING")
    _gone_after(application, "batchapp-spot", shown, answers=6)
    planned = {step.address: step.action for step in application.plan().changes}
    assert planned["compute_environment.spot"] is Action.CREATE
    application.up()
    assert application.plan().changes == ()


def _shown_as(application: Application, **members: str) -> dict[str, str]:
    """Let Batch say this of the Spot environment, until the returned dict is emptied."""

    def say(parsed: dict[str, Any], **_: Any) -> None:
        for environment in parsed.get("computeEnvironments", []):
            if environment["computeEnvironmentName"] == "batchapp-spot":
                environment.update(members)

    events = application.client("batch").meta.events
    events.register("after-call.batch.DescribeComputeEnvironments", say)
    return members


def _gone_after(
    application: Application, name: str, shown: dict[str, str], *, answers: int
) -> None:
    """Let an environment that is being deleted be gone after so many answers of Batch."""
    left = [answers]
    backend = batch_backends["123456789012"]["us-east-1"]

    def describe() -> None:
        left[0] -= 1
        if left[0] == 0:
            environment = backend.get_compute_environment(name)
            assert environment
            del backend._compute_environments[environment.arn]
            shown.clear()

    answered_by(application.aws, "batch.DescribeComputeEnvironments", describe)


def _assert_nothing_left(application: Application) -> None:
    left = {what: names for what, names in witness.inventory(application.client).items() if names}
    assert left == {"roles": ["AWSServiceRoleForbatch"], "security groups": ["default"]}
    assert not application.folder.joinpath("state.json").exists()
