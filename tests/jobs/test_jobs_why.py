"""From what AWS says about a job to the likely cause and the fix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from job_account import TABLE, JobAccount, batch_jobs, opened

from batchctl.aws.clock import Clock
from batchctl.jobs.diagnosis.evidence import Condition, Evidence, gather
from batchctl.jobs.diagnosis.findings import Finding, diagnose
from batchctl.jobs.record import Record, read_record
from batchctl.jobs.resources import JobResources

QUEUE, SPOT = "arn:aws:batch:::job-queue/app-compute", "arn:aws:batch:::compute-environment/spot"
RESOURCES = JobResources(TABLE, "logs", "tracker", (QUEUE,), (SPOT,))
CREATED_MS = 1_700_000_000_000
SOON_MS, LATE_MS = CREATED_MS + 60_000, CREATED_MS + 600_000


@pytest.fixture(scope="module")
def one_account() -> Iterator[JobAccount]:
    """One account for all: what a test scripts is forgotten after it."""
    yield from opened(Clock())


@pytest.fixture
def account(one_account: JobAccount) -> JobAccount:
    """An account whose queue and compute environment are well."""
    for scripted in (one_account.details, one_account.listed, one_account.summaries):
        scripted.clear()
    one_account.fronts = []
    one_account.queues = [
        {
            "jobQueueName": "app-compute",
            "jobQueueArn": QUEUE,
            "state": "ENABLED",
            "status": "VALID",
        }
    ]
    one_account.environments = [environment()]
    return one_account


def environment(**more: Any) -> dict[str, Any]:
    resources = {"maxvCpus": 128, "desiredvCpus": 0}
    return {
        "computeEnvironmentName": "app-spot",
        "computeEnvironmentArn": SPOT,
        "state": "ENABLED",
        "status": "VALID",
        "computeResources": resources,
    } | more


def findings(account: JobAccount, now_ms: int = SOON_MS) -> tuple[Finding, ...]:
    record = read_record(account.aws, TABLE, "demo")
    return diagnose(gather(account.aws, RESOURCES, record), now_ms)


def one_task(account: JobAccount, status: str, **more: Any) -> None:
    account.job("demo", batch_jobs=batch_jobs(("single", 0, 1)))
    container = {
        "resourceRequirements": [
            {"type": "VCPU", "value": "1"},
            {"type": "MEMORY", "value": "2048"},
        ]
    } | more.pop("container", {})
    account.child("single", status, container=container, createdAt=CREATED_MS, **more)


def test_a_running_job_has_nothing_to_explain(account: JobAccount) -> None:
    one_task(account, "RUNNING")
    assert findings(account) == ()


def test_an_array_is_counted_by_its_summary_and_its_failures_by_their_reasons(
    account: JobAccount,
) -> None:
    account.job("demo", batch_jobs=batch_jobs(("array", 0, 4)))
    summary = {"SUCCEEDED": 1, "FAILED": 2, "RUNNABLE": 1, "STARTING": 0}
    account.child("array", "PENDING", arrayProperties={"size": 4, "statusSummary": summary})
    account.listed = {"array/FAILED": ["array:1", "array:2"], "array/RUNNABLE": ["array:3"]}
    account.summaries = {
        "array:1": {"container": {"exitCode": 137, "reason": "OutOfMemoryError: killed"}},
        "array:2": {"statusReason": "Host EC2 (instance i-1) terminated."},
        "array:3": {"createdAt": CREATED_MS},
    }
    evidence = gather(account.aws, RESOURCES, read_record(account.aws, TABLE, "demo"))
    assert evidence.statuses == {"SUCCEEDED": 1, "FAILED": 2, "RUNNABLE": 1}
    assert evidence.failed == {
        "OutOfMemoryError: killed; exit status 137": 1,
        "Host EC2 (instance i-1) terminated.": 1,
    }
    assert (evidence.waiting, evidence.waiting_since_ms) == ({"": 1}, CREATED_MS)


def test_what_a_task_asks_for_is_read(account: JobAccount) -> None:
    one_task(account, "RUNNING")
    evidence = gather(account.aws, RESOURCES, read_record(account.aws, TABLE, "demo"))
    assert (evidence.vcpus, evidence.memory_mib) == (1.0, 2048)


@pytest.mark.parametrize(
    ("reason", "cause", "fix"),
    [
        (
            "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - Service cannot fulfill the capacity",
            "no such instances to spare",
            "on_demand_fallback",
        ),
        (
            "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - CE(s) associated",
            "more vCPUs than `compute.max_vcpus`",
            "raise `compute.max_vcpus`",
        ),
        (
            "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job resource requirement",
            "no instance of `compute.instance_types`",
            "lower `compute.memory_mib`",
        ),
        (
            "MISCONFIGURATION:SERVICE_ROLE_PERMISSIONS - Batch service role has a permission",
            "service-linked role",
            "batchctl up",
        ),
        (
            "MISCONFIGURATION:EC2_INSTANCE_CONFIGURATION_UNSUPPORTED - Your compute environment",
            "don't exist in the region",
            "instance_types",
        ),
        ("UNDETERMINED - something new", "names the reason", "batchctl plan"),
    ],
)
def test_a_blocked_queue_is_explained_by_batchs_reason(
    account: JobAccount, reason: str, cause: str, fix: str
) -> None:
    one_task(account, "RUNNABLE", statusReason=reason)
    (found,) = findings(account)
    assert reason in found.seen
    assert cause in found.cause
    assert fix in found.fix


def test_a_task_that_waits_for_a_minute_is_no_finding(account: JobAccount) -> None:
    one_task(account, "RUNNABLE")
    assert findings(account, SOON_MS) == ()


def test_a_task_that_waits_long_while_others_run_is_no_finding() -> None:
    record = Record("demo", "SUBMITTED", 1, 1, 1, (), ())
    waits = Evidence(record, {"RUNNABLE": 9}, {"": 9}, {}, (), waiting_since_ms=CREATED_MS)
    assert diagnose(waits, LATE_MS)
    works = replace(waits, statuses={"RUNNABLE": 9, "RUNNING": 1})
    assert diagnose(works, LATE_MS) == ()


@pytest.mark.parametrize(
    ("resources", "seen", "fix"),
    [
        ({"maxvCpus": 0, "desiredvCpus": 0}, "each asks for 1 vCPU", "raise `compute.max_vcpus`"),
        ({"maxvCpus": 128, "desiredvCpus": 64}, "none takes a task", "L-34B43A08"),
        ({"maxvCpus": 128, "desiredvCpus": 0}, "wants no instances", "batchctl jobs"),
    ],
)
def test_a_task_that_waits_long_without_a_reason_is_explained_by_what_is_known(
    account: JobAccount, resources: dict[str, int], seen: str, fix: str
) -> None:
    one_task(account, "RUNNABLE")
    account.environments = [environment(computeResources=resources)]
    (found,) = findings(account, LATE_MS)
    assert "1 task waiting for 10 min" in found.seen
    assert seen in found.seen
    assert fix in found.fix


@pytest.mark.parametrize(
    ("more", "seen", "cause"),
    [
        (
            {"status": "INVALID", "statusReason": "CLIENT_ERROR - Not authorized to perform x"},
            "compute environment `app-spot` is INVALID: CLIENT_ERROR",
            "service-linked role",
        ),
        (
            {"status": "INVALID", "statusReason": "Invalid IamInstanceProfile: app-instance"},
            "is INVALID",
            "instance profile",
        ),
        (
            {"status": "INVALID", "statusReason": "The subnet ID 'subnet-1' does not exist"},
            "is INVALID",
            "a subnet is gone",
        ),
        ({"status": "INVALID", "statusReason": "news"}, "is INVALID: news", "can't use it"),
        ({"state": "DISABLED"}, "is DISABLED", "somebody disabled it"),
        ({"status": "UPDATING"}, "is UPDATING", "is changing it"),
    ],
)
def test_an_environment_that_cant_be_used_is_told_with_its_reason(
    account: JobAccount, more: dict[str, str], seen: str, cause: str
) -> None:
    one_task(account, "RUNNING")
    account.environments = [environment(**more)]
    (found,) = findings(account)
    assert seen in found.seen
    assert cause in found.cause


def test_a_deleted_queue_and_environment_are_told(account: JobAccount) -> None:
    one_task(account, "RUNNING")
    account.queues, account.environments = [], []
    assert [found.seen for found in findings(account)] == [
        "job queue `app-compute` is MISSING: it was deleted",
        "compute environment `spot` is MISSING: it was deleted",
    ]


@pytest.mark.parametrize(
    ("more", "fix"),
    [
        (
            {"container": {"reason": "CannotPullContainerError: pull image manifest: denied"}},
            "check `compute.image`",
        ),
        ({"container": {"exitCode": 137, "reason": "OutOfMemoryError"}}, "retry demo --memory"),
        ({"statusReason": "Job attempt duration exceeded timeout"}, "compute.timeout_s"),
        ({"statusReason": "Host EC2 (instance i-1) terminated."}, "retry demo --on-demand"),
        ({"statusReason": "cancelled by batchctl"}, "`batchctl retry demo` runs the rest"),
        ({"container": {"exitCode": 127}}, "compute.command"),
        ({"statusReason": "Task failed to start"}, "disks and network"),
        (
            {"statusReason": "Essential container in task exited", "container": {"exitCode": 1}},
            "batchctl results demo --failed",
        ),
        ({}, "batchctl logs demo"),
    ],
)
def test_a_failed_task_is_explained_by_what_batch_and_the_container_say(
    account: JobAccount, more: dict[str, Any], fix: str
) -> None:
    one_task(account, "FAILED", **more)
    (found,) = findings(account)
    assert "1 task failed" in found.seen
    assert fix in found.fix


def test_reasons_of_one_cause_are_one_finding_the_most_frequent_first() -> None:
    record = Record("demo", "FAILED", 1, 1, 1, (), ())
    failed = {"x; exit status 1": 1, "CannotPullContainerError": 2, "x; exit status 3": 5}
    found = diagnose(Evidence(record, {"FAILED": 8}, {}, failed, ()), LATE_MS)
    assert [each.seen for each in found] == [
        "5 tasks failed: x; exit status 3\n1 task failed: x; exit status 1",
        "2 tasks failed: CannotPullContainerError",
    ]


def test_a_job_held_up_by_another_at_the_head_of_the_queue_is_told_so(account: JobAccount) -> None:
    one_task(account, "RUNNABLE")
    reason = "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - no instance"
    account.child("other:4", "RUNNABLE", jobName="huge-0", statusReason=reason)
    account.fronts = ["arn:aws:batch:us-east-1:1:job/other:4"]
    (found,) = findings(account)
    assert found.seen == f"job `huge-0` blocks the queue: {reason}"
    assert "lower `compute.memory_mib`" in found.fix


def test_a_job_that_batch_hasnt_got_yet_leads_to_the_dead_letters(account: JobAccount) -> None:
    account.job("demo", "QUEUED")
    (found,) = findings(account)
    assert "batchctl dead-letters redrive" in found.fix


@pytest.mark.parametrize(
    ("status", "fix"), [("FAILED", "batchctl results demo"), ("SUBMITTED", "batchctl show demo")]
)
def test_a_job_that_batch_has_forgotten_is_said_so(
    account: JobAccount, status: str, fix: str
) -> None:
    account.job("demo", status, batch_jobs=batch_jobs(("gone", 0, 5)))
    (found,) = findings(account)
    assert "doesn't know the job any more" in found.seen
    assert fix in found.fix


def test_conditions_name_what_can_be_used() -> None:
    assert Condition("job queue", "a", "ENABLED", "VALID", "").usable
    assert not Condition("job queue", "a", "DISABLED", "VALID", "").usable
