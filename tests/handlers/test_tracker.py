"""The function JobTracker: events and commands at its door."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from batch_double import BatchDouble
from endings import attempt, end_task, event
from jobs_left import Jobs
from surroundings import QUEUE_ARN, lambda_context

from handlers import clients, tracker, wiring
from handlers.store.jobs import JobStore

Invoke = Callable[..., Any]


@pytest.fixture
def invoke(
    table: JobStore, queue_url: str, batch: BatchDouble, monkeypatch: pytest.MonkeyPatch
) -> Invoke:
    """Invoke the function as its environment has it, with the double of Batch."""
    assert table
    assert queue_url
    monkeypatch.setenv("JOB_QUEUE", QUEUE_ARN)
    monkeypatch.setenv("JOB_DEFINITION", "batchapp-compute")
    monkeypatch.setenv("STACK", "batchapp")
    monkeypatch.setattr(clients, "batch", lambda: batch)
    monkeypatch.setattr(clients, "batch_once", lambda: batch)
    for name in ("store", "submission", "monitor", "tracker", "canceller", "retrier"):
        getattr(wiring, name).cache_clear()
    return lambda event: tracker.handler(event, lambda_context(remaining_ms=900_000))


@pytest.mark.parametrize("wrapped", [False, True])
def test_an_event_is_taken_in_from_the_rule_and_from_the_dead_letters(
    invoke: Invoke, jobs: Jobs, batch: BatchDouble, table: JobStore, wrapped: bool
) -> None:
    told = event(end_task(batch, jobs.submitted(items=1), "FAILED", [attempt(3)]))
    assert invoke({"requestPayload": told} if wrapped else told) is None
    job = table.read("demo-1")
    assert job is not None
    assert job.failed == 1


def test_what_is_done_in_stretches_stops_half_a_minute_before_the_functions_time_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deadlines: list[float] = []
    noting = SimpleNamespace(track=lambda _event, deadline: deadlines.append(deadline))
    monkeypatch.setattr(wiring, "tracker", lambda: noting)
    monkeypatch.setattr(tracker, "time", SimpleNamespace(monotonic=lambda: 5000.0))
    tracker.handler({"source": "aws.batch"}, lambda_context(remaining_ms=900_000))
    assert deadlines == [5000.0 + 900 - 30]


def test_cancel_and_retry_answer_as_agreed(invoke: Invoke, jobs: Jobs) -> None:
    jobs.submitted(items=3, items_per_task=2)
    assert invoke({"action": "cancel", "job_id": "demo-1"}) == {
        "job_id": "demo-1",
        "status": "CANCELLED",
        "tasks": {"total": 2, "pending": 2, "running": 0, "succeeded": 0, "failed": 0},
    }
    command = {"action": "retry", "job_id": "demo-1", "memory_mib": None, "on_demand": False}
    assert invoke(command) == {
        "job_id": "demo-1",
        "status": "QUEUED",
        "attempt": 2,
        "items": 3,
        "tasks": 2,
    }


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ({}, 400),
        ({"action": "forget", "job_id": "demo-1"}, 400),
        ({"action": "delete", "job_id": "demo-1"}, 409),
        ({"action": "cancel"}, 400),
        ({"action": "cancel", "job_id": 5}, 400),
        ({"action": "cancel", "job_id": "unknown"}, 404),
        ({"action": "retry", "job_id": "unknown"}, 404),
        ({"action": "retry", "job_id": "demo-1"}, 409),
        ({"action": "retry", "job_id": "demo-1", "memory_mib": "4096"}, 400),
        ({"action": "retry", "job_id": "demo-1", "memory_mib": True}, 400),
        ({"action": "retry", "job_id": "demo-1", "memory_mib": 3}, 400),
        ({"action": "retry", "job_id": "demo-1", "on_demand": "yes"}, 400),
        ({"action": "retry", "job_id": "demo-1", "on_demand": True}, 400),
    ],
)
def test_a_command_that_can_not_be_carried_out_is_refused_with_a_code(
    invoke: Invoke, jobs: Jobs, command: dict[str, Any], code: int
) -> None:
    jobs.submitted()
    answer = invoke(command)
    assert answer["code"] == code
    assert answer["error"]


def test_a_fault_of_aws_fails_the_invocation_so_that_it_comes_again(
    invoke: Invoke, jobs: Jobs, batch: BatchDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = event(end_task(batch, jobs.submitted(items=1), "FAILED", [attempt(3)]))

    def fail(**_: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr(batch, "describe_jobs", fail)
    with pytest.raises(ConnectionError):
        invoke(told)
