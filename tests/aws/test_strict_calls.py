"""What the strict check of our calls finds, and that it looks at ours alone."""

from __future__ import annotations

import functools
import sys
from typing import Any

import botocore.session
import pytest
from strict_calls import ROOT, StrictCalls, is_users, our_caller, violations

from batchctl.aws.retries import Retrier


@functools.cache
def model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def found(call: str, **parameters: Any) -> list[str]:
    service, operation = call.split(".")
    shape = model(service).operation_model(operation).input_shape
    return list(violations(shape, parameters, call))


@pytest.mark.parametrize(
    ("call", "parameters", "what"),
    [
        ("lambda.GetFunction", {"FunctionName": "a b"}, "no match of"),
        ("lambda.CreateFunction", {"Runtime": "python2.6"}, "none of"),
        ("lambda.CreateFunction", {"Timeout": 100_000}, "more than"),
        ("lambda.CreateFunction", {"Description": "x" * 257}, "257 long: more than 256"),
        ("iam.CreateRole", {"RoleName": "x" * 65}, "65 long: more than 64"),
        ("iam.CreateRole", {"Tags": [{"Key": "a{b", "Value": "c"}]}, "Tags[0].Key is 'a{b'"),
        ("elbv2.CreateRule", {"Priority": 50_001}, "more than 50000"),
        ("lambda.TagResource", {"Tags": {"a{b": "c"}}, "(key) is 'a{b'"),
        ("batch.SubmitJob", {"retryStrategy": {"evaluateOnExit": [{"action": "GO"}]}}, "none of"),
        ("dynamodb.BatchGetItem", {"RequestItems": {}}, "fewer than 1"),
    ],
)
def test_what_botocore_lets_through_is_found(
    call: str, parameters: dict[str, Any], what: str
) -> None:
    (violation,) = found(call, **parameters)
    assert what in violation


def test_a_right_call_has_no_violation() -> None:
    tags = [{"Key": "batchctl:stack", "Value": "Zürich 1"}]
    assert found("iam.CreateRole", RoleName="batchapp-x", Path="/", Tags=tags) == []


def test_a_call_is_ours_when_our_code_makes_it() -> None:
    assert our_caller(sys._getframe()) is None
    frames: list[str | None] = []

    def once() -> dict[str, Any]:
        frames.append(our_caller(sys._getframe(1)))
        return {}

    Retrier().call("sqs.GetQueueUrl", once)
    assert frames == [str(ROOT / "batchctl" / "aws" / "retries" / "__init__.py")]


def test_a_command_may_call_what_some_policy_grants_and_nothing_else() -> None:
    strict, ours = StrictCalls(), str(ROOT / "batchctl" / "resources" / "sqs.py")
    strict.check({}, model("sqs").operation_model("AddPermission"), ours)
    assert strict.violations == [
        "sqs.AddPermission: no `grants` allow sqs:AddPermission (`batchctl policy`)"
    ]
    strict.violations.clear()
    strict.check({}, model("sqs").operation_model("GetQueueUrl"), ours)
    strict.check({}, model("sqs").operation_model("AddPermission"), str(ROOT / "handlers" / "x.py"))
    assert strict.violations == []


def test_what_runs_in_the_account_is_no_call_of_the_user() -> None:
    assert is_users(str(ROOT / "batchctl" / "jobs" / "control.py"))
    for path in ("handlers/log.py", "batchctl/runner/job_table.py", "batchctl/local/cloud.py"):
        assert not is_users(str(ROOT / path))
