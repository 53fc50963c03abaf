"""In which order `why` names what it finds, and where the bounds of its findings lie."""

from __future__ import annotations

from dataclasses import replace

import pytest

from batchctl.jobs.diagnosis.evidence import Condition, Evidence, Head
from batchctl.jobs.diagnosis.findings import diagnose
from batchctl.jobs.record import BatchJob, Record

SINCE_MS = 1_000_000
CAPACITY = "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - none"
MISCONFIGURED = "MISCONFIGURATION:SERVICE_ROLE_PERMISSIONS - role"
RECORD = Record("demo", "SUBMITTED", 1, 4, 4, (BatchJob("array-1", 0, 4, 1),), ())
QUIET = Evidence(RECORD, {"RUNNABLE": 4}, {"": 4}, {}, (), waiting_since_ms=SINCE_MS)
SPOT = Condition("compute environment", "spot", "ENABLED", "VALID", "", 4, 0)
ON_DEMAND = replace(SPOT, name="on-demand", max_vcpus=8)


def seen(evidence: Evidence, after_s: float = 0) -> list[str]:
    """The first line of each finding, in order."""
    found = diagnose(evidence, SINCE_MS + round(after_s * 1000))
    return [each.seen.partition("\n")[0] for each in found]


def test_what_cannot_be_used_comes_before_what_waits_and_what_waits_before_what_failed() -> None:
    evidence = replace(
        QUIET,
        conditions=(SPOT, replace(ON_DEMAND, state="DISABLED")),
        waiting={CAPACITY: 2},
        failed={"Host EC2 (instance i-1) terminated.": 1},
    )
    assert seen(evidence) == [
        "compute environment `on-demand` is DISABLED",
        f"2 tasks waiting: {CAPACITY}",
        "1 task failed: Host EC2 (instance i-1) terminated.",
    ]


def test_a_job_that_is_not_in_batch_yet_and_one_that_batch_forgot_frame_the_rest() -> None:
    broken = (replace(SPOT, status="INVALID", reason="subnet gone"),)
    queued = replace(RECORD, status="QUEUED", batch_jobs=())
    assert seen(Evidence(queued, {}, {}, {}, broken)) == [
        "the job is QUEUED: it is not in AWS Batch yet",
        "compute environment `spot` is INVALID: subnet gone",
    ]
    assert seen(Evidence(RECORD, {}, {}, {"": 1}, broken)) == [
        "compute environment `spot` is INVALID: subnet gone",
        "1 task failed: AWS Batch gives no reason",
        "AWS Batch doesn't know the job any more",
    ]


def test_each_reason_to_wait_is_named_and_then_nothing_is_guessed() -> None:
    evidence = replace(
        QUIET, waiting={CAPACITY: 1, MISCONFIGURED: 2, "": 9}, head=Head("first", CAPACITY)
    )
    assert seen(evidence, 10_000) == [
        f"1 task waiting: {CAPACITY}",
        f"2 tasks waiting: {MISCONFIGURED}",
    ]


def test_the_job_at_the_head_of_the_queue_is_blamed_before_the_time_is() -> None:
    head = replace(QUIET, head=Head("first", CAPACITY))
    assert seen(head) == [f"job `first` blocks the queue: {CAPACITY}"]
    assert seen(head, 10_000) == seen(head)


def test_the_most_frequent_failure_comes_first_and_equal_ones_as_they_came() -> None:
    failed = {"OutOfMemoryError": 2, "exceeded timeout": 5, "cancelled by batchctl": 2}
    assert seen(replace(QUIET, waiting={}, failed=failed)) == [
        "5 tasks failed: exceeded timeout",
        "2 tasks failed: OutOfMemoryError",
        "2 tasks failed: cancelled by batchctl",
    ]


@pytest.mark.parametrize(("after_s", "findings"), [(0, 0), (299.999, 0), (300, 1), (86_400, 1)])
def test_a_wait_without_a_reason_is_one_from_five_minutes_on(after_s: float, findings: int) -> None:
    assert len(seen(QUIET, after_s)) == findings


@pytest.mark.parametrize("status", ["STARTING", "RUNNING"])
def test_while_tasks_start_or_run_others_just_wait(status: str) -> None:
    assert seen(replace(QUIET, statuses={"RUNNABLE": 4, status: 1}), 10_000) == []
    assert len(seen(replace(QUIET, statuses={"RUNNABLE": 4, status: 0}), 10_000)) == 1


@pytest.mark.parametrize(
    ("vcpus", "is_too_much"), [(4, False), (8, False), (8.5, True), (16, True)]
)
def test_a_task_is_too_large_above_the_largest_environment(vcpus: float, is_too_much: bool) -> None:
    evidence = replace(QUIET, conditions=(SPOT, ON_DEMAND), vcpus=vcpus)
    (found,) = diagnose(evidence, SINCE_MS + 600_000)
    assert ("each asks for" in found.seen) == is_too_much
    assert ("the largest compute environment may have 8" in found.cause) == is_too_much


def test_instances_that_batch_wants_and_that_take_nothing_are_another_thing_than_none() -> None:
    wanted = replace(QUIET, conditions=(SPOT, replace(ON_DEMAND, desired_vcpus=1)), vcpus=1)
    assert "AWS Batch wants instances, but none takes a task" in seen(wanted, 600)[0]
    assert "AWS Batch wants no instances" in seen(replace(QUIET, conditions=(SPOT,)), 600)[0]
    assert seen(QUIET, 600)[0].startswith("4 tasks waiting for 10 min")
