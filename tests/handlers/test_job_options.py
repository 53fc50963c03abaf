"""What a request may say of how its job is run."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from handlers import wiring
from handlers.store.jobs import JobStore

Put = Callable[[dict[str, Any]], tuple[int, Any]]


def request(**body: Any) -> dict[str, Any]:
    return {
        "requestContext": {"elb": {"targetGroupArn": "arn"}},
        "httpMethod": "PUT",
        "path": "/v1/new-task",
        "queryStringParameters": {},
        "headers": {},
        "body": json.dumps({"job_id": "demo-1", "universe": ["A", "B", "C", "D"], **body}),
        "isBase64Encoded": False,
    }


def test_the_options_of_a_job_are_kept(put: Put, table: JobStore) -> None:
    options = {"items_per_task": 3, "max_failures": "50%", "share": "team_1", "priority": 9}
    status, body = put(request(**options))
    assert (status, body["tasks"]) == (202, 2)
    job = table.read("demo-1")
    assert job is not None
    assert (job.items_per_task, job.max_failures) == (3, 2)
    assert (job.share, job.priority) == ("team_1", 9)
    assert job.token is not None


def test_a_number_that_is_whole_may_be_written_with_a_point(put: Put, table: JobStore) -> None:
    assert put(request(items_per_task=3.0, max_failures=2.0, priority=385.0))[0] == 202
    job = table.read("demo-1")
    assert job is not None
    assert (job.items_per_task, job.max_failures, job.priority) == (3, 2, 385)


def test_other_options_are_the_same_job(put: Put) -> None:
    assert put(request(items_per_task=3))[0] == 202
    assert put(request(items_per_task=1, priority=2))[0] == 200
    assert put(request(parameters={"a": 1}))[0] == 409


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("items_per_task", 0),
        ("items_per_task", 10_001),
        ("items_per_task", True),
        ("items_per_task", "auto"),
        ("max_failures", -1),
        ("max_failures", "101%"),
        ("max_failures", "5"),
        ("max_failures", 0.5),
        ("share", ""),
        ("share", "a" * 65),
        ("share", "a b"),
        ("share", 1),
        ("priority", -1),
        ("priority", 10_000),
        ("priority", [1]),
    ],
)
def test_an_option_that_breaks_its_rule_is_refused_by_name(
    put: Put, table: JobStore, field: str, value: object
) -> None:
    status, body = put(request(**{field: value}))
    assert (status, body["field"]) == (400, field)
    assert table.read("demo-1") is None


def test_more_failures_than_items_are_as_many_as_items(put: Put, table: JobStore) -> None:
    assert put(request(max_failures=10**30))[0] == 202
    job = table.read("demo-1")
    assert job is not None
    assert job.max_failures == 4


@pytest.mark.parametrize(("at_once", "tasks"), [("4", 4), ("1", 4), ("128", 4)])
def test_without_a_setting_the_slices_are_chosen_by_what_can_run_at_once(
    put: Put, monkeypatch: pytest.MonkeyPatch, at_once: str, tasks: int
) -> None:
    monkeypatch.delenv("ITEMS_PER_TASK")
    monkeypatch.setenv("AT_ONCE", at_once)
    wiring.receiver.cache_clear()
    assert put(request())[1]["tasks"] == tasks
    universe = [f"{number:05d}" for number in range(2_000)]
    status, body = put(request(job_id="demo-2", universe=universe))
    assert (status, body["tasks"]) == (202, {"4": 32, "1": 8, "128": 1_000}[at_once])
