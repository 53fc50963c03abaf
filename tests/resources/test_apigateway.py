"""API Gateway: names that aren't unique, refusals that pass, an account's one role for logs."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from engine_runs import down, outputs, plan, step_of, up
from examples_apigateway import deployment, logging, rest_api, signed_api, stage
from faults import answered_by, calls_of, fail

from batchctl.aws.session import Aws
from batchctl.engine.plan import Action
from batchctl.resources.apigateway.methods import paths_to
from batchctl.resources.apigateway.stages import LOG_FORMAT
from batchctl.resources.iam.roles import ACCOUNT, Role

CLOUDWATCH_ROLE = "/cloudwatchRoleArn"


def client(aws: Aws) -> Any:
    return aws.connection.client("apigateway")


def apis(aws: Aws) -> list[Any]:
    found: list[Any] = client(aws).get_rest_apis()["items"]
    return found


def lose_the_answer(aws: Aws, operation: str) -> None:
    """Let the next call of the operation take effect, and its answer be lost."""
    lost: list[bool] = []

    def lose(**_: Any) -> None:
        if not lost:
            lost.append(True)
            raise ReadTimeoutError(endpoint_url="https://apigateway.example")

    client(aws).meta.events.register(f"after-call.api-gateway.{operation}", lose)


def test_a_lost_answer_to_create_rest_api_leaves_one_api(aws: Aws, tmp_path: Path) -> None:
    lose_the_answer(aws, "CreateRestApi")
    result = up(aws, tmp_path, rest_api)
    assert [api["id"] for api in apis(aws)] == [outputs(result, rest_api).id]
    assert plan(aws, tmp_path, rest_api).changes == ()


def test_an_api_that_was_made_unseen_goes_when_the_next_one_is_made(
    aws: Aws, tmp_path: Path
) -> None:
    """API Gateway shows the API of a lost call only when another was made in its place."""
    ghost = client(aws).create_rest_api(name="batchapp-api", tags=aws.tags)["id"]
    theirs = client(aws).create_rest_api(name="batchapp-api", tags={"team": "other"})["id"]
    other_stack = {"batchctl:stack": "another"}
    others = client(aws).create_rest_api(name="batchapp-api", tags=other_stack)["id"]
    made = calls_of(aws, "apigateway")
    nothing: dict[str, Any] = {"items": []}
    answered_by(aws, "apigateway.GetRestApis", lambda: None if "CreateRestApi" in made else nothing)
    result = up(aws, tmp_path, rest_api)
    found = {api["id"] for api in apis(aws)}
    assert found == {theirs, others, outputs(result, rest_api).id}
    assert ghost not in found


def test_of_two_apis_with_the_stacks_name_and_tag_always_the_same_is_taken(
    aws: Aws, tmp_path: Path
) -> None:
    ids = sorted(
        client(aws).create_rest_api(name="batchapp-api", tags=aws.tags)["id"] for _ in range(3)
    )
    oldest = min(apis(aws), key=lambda api: (str(api["createdDate"]), api["id"]))["id"]
    assert oldest in ids
    assert outputs(up(aws, tmp_path, rest_api), rest_api).id == oldest


def test_a_method_whose_answer_was_lost_is_not_put_twice(aws: Aws, tmp_path: Path) -> None:
    lose_the_answer(aws, "PutMethod")
    up(aws, tmp_path, rest_api)
    assert plan(aws, tmp_path, rest_api).changes == ()


@pytest.mark.parametrize(
    ("operation", "code", "message"),
    [
        (
            "apigateway.PutMethod",
            "ConflictException",
            "Unable to complete operation due to concurrent modification. Please try again later.",
        ),
        ("apigateway.DeleteRestApi", "TooManyRequestsException", "Too Many Requests"),
        ("apigateway.CreateDeployment", "TooManyRequestsException", "Too Many Requests"),
        (
            "apigateway.UpdateAccount",
            "BadRequestException",
            "The role ARN does not have required permissions configured.",
        ),
        (
            "apigateway.UpdateStage",
            "BadRequestException",
            "CloudWatch Logs role ARN must be set in account settings to enable logging",
        ),
        (
            "apigateway.DeleteDeployment",
            "BadRequestException",
            "Active stages pointing to this deployment must be moved or deleted",
        ),
    ],
)
def test_what_api_gateway_refuses_for_a_while_is_tried_again(
    aws: Aws, tmp_path: Path, operation: str, code: str, message: str
) -> None:
    made = calls_of(aws, "apigateway")
    fail(aws, operation, code, message, times=3)
    assert not up(aws, tmp_path, stage).outcome.failed
    assert not down(aws, tmp_path).failed
    assert made.count(operation.partition(".")[2]) > 3
    assert apis(aws) == []


def test_what_api_gateway_refuses_for_good_is_an_error(aws: Aws, tmp_path: Path) -> None:
    fail(aws, "apigateway.CreateStage", "BadRequestException", "Invalid stage name", times=99)
    failed = up(aws, tmp_path, stage).outcome.failed
    assert isinstance(failed["stage.api"], ClientError)


def test_a_changed_api_is_deployed_and_an_unchanged_one_is_not(aws: Aws, tmp_path: Path) -> None:
    result = up(aws, tmp_path, stage)
    first = outputs(result, deployment).id
    made = calls_of(aws, "apigateway")
    assert outputs(up(aws, tmp_path, stage), deployment).id == first
    assert not [each for each in made if not each.startswith("Get")]
    changed = dataclasses.replace(
        stage, api=signed_api, deployment=dataclasses.replace(deployment, api=signed_api)
    )
    assert step_of(plan(aws, tmp_path, changed), deployment).action is Action.REPLACE
    result = up(aws, tmp_path, changed)
    second = outputs(result, deployment).id
    address = {"restApiId": outputs(result, rest_api).id, "stageName": "api"}
    assert client(aws).get_stage(**address)["deploymentId"] == second != first
    deployments = client(aws).get_deployments(restApiId=address["restApiId"])["items"]
    assert [each["id"] for each in deployments] == [second]


def test_with_signatures_every_method_wants_one_and_no_policy_lets_others_in(
    aws: Aws, tmp_path: Path
) -> None:
    api_id = outputs(up(aws, tmp_path, signed_api), signed_api).id
    everyone = {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [everyone]})
    # API Gateway gives a policy with its quotes escaped, which moto doesn't.
    patch = {"op": "replace", "path": "/policy", "value": json.dumps(policy)[1:-1]}
    client(aws).update_rest_api(restApiId=api_id, patchOperations=[patch])
    changes = step_of(plan(aws, tmp_path, signed_api), signed_api).changes
    assert {change.path for change in changes} == {"policy.Version", "policy.Statement"}
    up(aws, tmp_path, signed_api)
    assert not client(aws).get_rest_api(restApiId=api_id)["policy"]
    resources = client(aws).get_resources(restApiId=api_id, embed=["methods"])["items"]
    methods = [m for each in resources for m in each.get("resourceMethods", {}).values()]
    assert {method["authorizationType"] for method in methods} == {"AWS_IAM"}
    answers = client(aws).get_gateway_responses(restApiId=api_id)["items"]
    assert {each["responseType"] for each in answers} == {"DEFAULT_4XX", "DEFAULT_5XX"}


def test_a_role_for_logs_that_another_set_is_never_overwritten(aws: Aws, tmp_path: Path) -> None:
    iam: Any = aws.connection.client("iam")
    made = iam.create_role(RoleName="their-logs", AssumeRolePolicyDocument="{}")
    theirs = made["Role"]["Arn"]
    patch = {"op": "replace", "path": CLOUDWATCH_ROLE, "value": theirs}
    client(aws).update_account(patchOperations=[patch])
    assert outputs(up(aws, tmp_path, logging), logging).arn == theirs
    assert client(aws).get_account()["cloudwatchRoleArn"] == theirs
    roles = aws.iam.list_roles()["Roles"]
    assert logging.name not in {role["RoleName"] for role in roles}


def test_our_role_for_logs_is_made_again_when_it_is_gone_and_stays_after_down(
    aws: Aws, tmp_path: Path
) -> None:
    iam: Any = aws.connection.client("iam")
    up(aws, tmp_path, logging)
    (attached,) = iam.list_attached_role_policies(RoleName=logging.name)["AttachedPolicies"]
    iam.detach_role_policy(RoleName=logging.name, PolicyArn=attached["PolicyArn"])
    iam.delete_role(RoleName=logging.name)
    assert step_of(plan(aws, tmp_path, logging), logging).action is Action.CREATE
    up(aws, tmp_path, logging)
    assert not down(aws, tmp_path).failed
    assert iam.get_role(RoleName=logging.name)["Role"]["Arn"].endswith(logging.name)
    assert iam.list_attached_role_policies(RoleName=logging.name)["AttachedPolicies"]


def test_the_account_may_assume_a_role_that_trusts_it_and_no_service(
    aws: Aws, tmp_path: Path
) -> None:
    role = Role(label="execute", name="batchapp-execute", trusts=ACCOUNT)
    up(aws, tmp_path, role)
    found = aws.connection.client("iam").get_role(RoleName=role.name)  # type: ignore[attr-defined]
    (statement,) = found["Role"]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"AWS": ["arn:aws:iam::123456789012:root"]}
    assert plan(aws, tmp_path, role).changes == ()


def test_the_paths_of_an_api_are_those_of_its_methods_and_all_above() -> None:
    paths = [method.path for method in rest_api.methods]
    assert paths_to(paths) == ["/", "/v1", "/v1/new-task", "/v1/tasks", "/v1/tasks/{job_id}"]
    assert paths_to(["/"]) == ["/"]


# API Gateway developer guide, "Variables for access logging": texts that a caller chooses, with
# quotes in them if they like. Values are put into the log as they are.
CHOSEN_BY_CALLERS = {
    "$context.path",
    "$context.error.message",
    "$context.error.messageString",
    "$context.identity.userAgent",
    "$context.identity.caller",
    "$context.domainName",
    "$context.domainPrefix",
    "$context.authorizer.error",
}


def test_no_caller_can_forge_a_field_of_the_access_log() -> None:
    fields = json.loads(LOG_FORMAT)
    assert not CHOSEN_BY_CALLERS & set(fields.values())
    assert all(re.fullmatch(r"\$context\.[a-zA-Z.]+", value) for value in fields.values())
