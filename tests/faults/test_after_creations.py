"""AWS answers a creation, then calls the new thing missing: the first `up` ends well.

Each call fails twice with AWS's own text. Sources: what Terraform's provider for AWS repeats, and
its issue 44689 (IAM sees the tags of a new table late).
"""

from __future__ import annotations

from typing import Any

import pytest
from account import DONE, Account, door_stack, first_stack
from botocore.exceptions import ClientError
from crash_branches import Calls
from slices import in_rounds

ALB, REST_API = first_stack(), door_stack("restapi", "iam")
NO_QUEUE = (
    "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue."
    " SQS Error Message: The specified queue does not exist."
)
NO_ENVIRONMENT = (
    "arn:aws:batch:us-east-1:123456789012:compute-environment/batchapp-spot does not exist"
)
NO_TARGET = (
    "Value {} for parameter RedrivePolicy is invalid. Reason: Dead letter target does not exist."
)
# Called for other things as well, or before: with what they are about something made.
NEEDED = {"dynamodb.DescribeTable": {"CreateTable"}, "sqs.CreateQueue": {"RedrivePolicy"}}
NO_ROLE = "The role with name batchapp-job cannot be found."
CASES = [
    (ALB, "logs.PutRetentionPolicy", "ResourceNotFoundException", "No such log group."),
    (ALB, "events.PutTargets", "ResourceNotFoundException", "Rule batchapp-job-events not found."),
    (ALB, "dynamodb.DescribeTable", "AccessDeniedException", "User: ann is not authorized"),
    (ALB, "dynamodb.UpdateContinuousBackups", "TableNotFoundException", "Table not found: jobs"),
    (ALB, "elbv2.RegisterTargets", "TargetGroupNotFound", "Target groups not found"),
    (ALB, "elbv2.CreateListener", "LoadBalancerNotFound", "Load balancers not found"),
    (ALB, "elbv2.ModifyLoadBalancerAttributes", "LoadBalancerNotFound", "Not found"),
    (ALB, "elbv2.CreateRule", "ListenerNotFound", "One or more listeners not found"),
    (ALB, "lambda.CreateEventSourceMapping", "ResourceNotFoundException", "Function not found"),
    (ALB, "lambda.CreateEventSourceMapping", "InvalidParameterValueException", NO_QUEUE),
    (ALB, "batch.CreateJobQueue", "ClientException", NO_ENVIRONMENT),
    (ALB, "sqs.CreateQueue", "InvalidParameterValue", NO_TARGET),
    (ALB, "iam.PutRolePolicy", "NoSuchEntity", NO_ROLE),
    (REST_API, "apigateway.PutMethod", "NotFoundException", "Invalid Resource identifier"),
    (REST_API, "apigateway.PutIntegration", "NotFoundException", "Invalid Resource identifier"),
    (REST_API, "apigateway.CreateDeployment", "NotFoundException", "Invalid API identifier"),
]

# One `up` meets each operation's refusal, and those of one operation after another.
AT_ONCE = [
    *in_rounds(lambda case: case[1], [case for case in CASES if case[0] is ALB]),
    [case for case in CASES if case[0] is REST_API],
]


@pytest.mark.parametrize("number", range(3))
def test_what_aws_calls_missing_just_after_it_was_made_is_waited_for(
    account: Account, calls: Calls, number: int
) -> None:
    cases = AT_ONCE[number]
    refusals = {operation: refuse_twice(calls, operation, *how) for _, operation, *how in cases}
    stack = cases[0][0]
    assert account.up(stack) == DONE
    for operation, refused in refusals.items():
        assert refused == [operation, operation]
    assert account.plan(stack).changes == ()


def test_what_an_earlier_run_made_is_not_waited_for(account: Account, calls: Calls) -> None:
    operation, code = "elbv2.CreateListener", "LoadBalancerNotFound"
    refuse_twice(calls, operation, "ValidationError", "no such certificate")
    assert account.up(ALB).failed
    refusals = refuse_twice(calls, operation, code, "Load balancers not found")
    assert account.up(ALB).failed
    assert refusals == [operation]


def refuse_twice(calls: Calls, refused: str, code: str, message: str) -> list[str]:
    """Let the next two calls of an operation fail that need what was just made; list them."""
    make, refusals, made = calls.make, list[str](), set[str]()

    def or_refuse(client: Any, operation: str, parameters: Any) -> Any:
        name = f"{client.meta.service_model.service_name}.{operation}"
        needs_other = name not in NEEDED or NEEDED[name] & {
            *made,
            *parameters.get("Attributes", ()),
        }
        if name == refused and needs_other and len(refusals) < 2:
            refusals.append(name)
            answer: Any = {"Error": {"Code": code, "Message": message}}
            raise ClientError(answer, operation)
        made.add(operation)
        return make(client, operation, parameters)

    vars(calls)["make"] = or_refuse
    return refusals
