"""A policy of others that refuses calls is removed as all drift is, but asked for: it lets in."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from built import Application

Put = Callable[[Application, str], object]


def on_queue(application: Application, policy: str) -> None:
    application.client("sqs").set_queue_attributes(
        QueueUrl=application.outputs("queue.jobs").url, Attributes={"Policy": policy}
    )


def on_table(application: Application, policy: str) -> None:
    application.client("dynamodb").put_resource_policy(
        ResourceArn=application.outputs("table.jobs").arn, Policy=policy
    )


def on_repository(application: Application, policy: str) -> None:
    application.client("ecr").set_repository_policy(
        repositoryName=application.outputs("repository.compute").id, policyText=policy
    )


def policy(effect: str) -> str:
    statement = {"Effect": effect, "Principal": "*", "Action": "*", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.mark.parametrize("put", [on_queue, on_table, on_repository], ids=lambda put: put.__name__)
def test_removing_what_refuses_is_asked_for_and_what_allows_is_not(
    account_in_memory: Application, put: Put
) -> None:
    account_in_memory.up()
    put(account_in_memory, policy("Allow"))
    assert account_in_memory.plan().changes
    assert account_in_memory.plan().loosens == ()
    put(account_in_memory, policy("Deny"))
    (sentence,) = account_in_memory.plan().loosens
    assert "policy" in sentence
    account_in_memory.up()
    assert account_in_memory.plan().changes == ()
