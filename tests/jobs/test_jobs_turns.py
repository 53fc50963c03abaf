"""What stands before a job: the other jobs of the queue, in `why` and while it is watched."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from job_account import GROUP, TABLE, TRACKER, JobAccount, batch_jobs, opened
from scripted_api import Clock as Hands

from batchctl.application.diagnosis import Machines, turns_of
from batchctl.aws.clock import Clock
from batchctl.jobs import Counts, Job
from batchctl.jobs.diagnosis.evidence import Evidence, gather
from batchctl.jobs.diagnosis.findings import diagnose
from batchctl.jobs.diagnosis.items import ItemFailures
from batchctl.jobs.diagnosis.turns import OtherJob, Turns
from batchctl.jobs.record import Record, read_record
from batchctl.jobs.resources import JobResources
from batchctl.jobs.watching import Standing

QUEUE = "arn:aws:batch:us-east-1:123456789012:job-queue/app-compute"
RESOURCES = JobResources(TABLE, GROUP, TRACKER, (QUEUE,), ())
CREATED_MS = 1_700_000_000_000


@pytest.fixture
def account() -> Iterator[JobAccount]:
    yield from opened(Clock())


def container(vcpus: int) -> dict[str, Any]:
    return {"container": {"resourceRequirements": [{"type": "VCPU", "value": str(vcpus)}]}}


def array(account: JobAccount, job_id: str, share: str, **summary: int) -> None:
    account.child(
        f"{job_id}-id",
        "PENDING",
        jobName=f"{job_id}-0",
        shareIdentifier=share,
        arrayProperties={"size": sum(summary.values()), "statusSummary": summary},
        **container(2),
    )


def three_items_behind_two_large_jobs(account: JobAccount) -> None:
    array(account, "big-1", "j001", SUCCEEDED=10, RUNNABLE=1980, RUNNING=3, STARTING=1)
    array(account, "big-2", "j002", RUNNABLE=2000)
    array(account, "demo", "j003", RUNNABLE=3)
    account.listed = {
        f"{QUEUE}/PENDING": ["big-1-id", "big-2-id", "demo-id"],
        "demo-id/RUNNABLE": ["demo-id:0"],
    }
    account.summaries = {"demo-id:0": {"createdAt": CREATED_MS}}
    account.job("demo", batch_jobs=batch_jobs(("demo-id", 0, 3)))


def test_other_jobs_are_counted_by_tasks_with_their_shares_and_what_they_use(
    account: JobAccount,
) -> None:
    three_items_behind_two_large_jobs(account)
    found = turns_of(account.aws, RESOURCES, "demo", Machines(8, (1024,)))
    assert found == Turns(
        (OtherJob("big-2", "j002", 2000, 0), OtherJob("big-1", "j001", 1980, 4)), 8.0, 8
    )
    assert found.full


def test_a_job_in_several_batch_jobs_is_one(account: JobAccount) -> None:
    for place in (0, 1):
        account.child(f"part-{place}", "RUNNING", jobName=f"big-1-{place}", **container(1))
    account.listed = {f"{QUEUE}/RUNNING": ["part-0", "part-1"]}
    found = turns_of(account.aws, RESOURCES, "demo", Machines(8, (1024,)))
    assert found.others == (OtherJob("big-1", "", 0, 2),)


def test_why_says_what_stands_before_a_job_and_for_how_long(account: JobAccount) -> None:
    three_items_behind_two_large_jobs(account)
    evidence = gather(account.aws, RESOURCES, read_record(account.aws, TABLE, "demo"))
    turns = turns_of(account.aws, RESOURCES, "demo", Machines(8, (1024,)))
    waits = Evidence(**{**vars(evidence), "conditions": (), "turns": turns})
    (found,) = diagnose(waits, CREATED_MS + 40_000)
    assert found.seen == (
        "1 task waiting for 40 s\n3,984 tasks of 2 other jobs in the queue: `big-2` 2,000 waiting, "
        "0 running (share j002); `big-1` 1,980 waiting, 4 running (share j001)"
    )
    assert found.cause == "all vCPUs are taken: 8 of 8 vCPUs are in use"
    assert "jobs take turns" in found.fix


def waiting_job(running: int = 0, ended: int = 0) -> Job:
    counts = Counts(3, 3 - running - ended, running, ended, 0)
    return Job("demo", "SUBMITTED", datetime.now(UTC), None, 3, counts, (), None)


def behind(*others: OtherJob) -> Turns:
    return Turns(others, 4.0, 8)


def test_a_watched_job_that_waits_is_told_what_for_now_and_then() -> None:
    clock, asked = Hands(), []

    def turns() -> Turns:
        asked.append(clock.now_s)
        return behind(OtherJob("big-1", "j001", 9, 1))

    standing = Standing(turns, clock)
    told = []
    for clock.now_s in range(0, 121, 5):
        told.append(standing.note(waiting_job()))
    line = (
        "waiting for {} s behind 10 tasks of 1 other job in the queue: `big-1` 9 waiting, "
        "1 running (share j001); 4 of 8 vCPUs are in use"
    )
    assert [each for each in told if each] == [line.format(10), line.format(70)]
    assert asked == [10, 70]


@pytest.mark.parametrize("begun", [waiting_job(running=1), waiting_job(ended=1)])
def test_a_job_that_has_begun_has_had_its_turn(begun: Job) -> None:
    clock = Hands()
    standing = Standing(lambda: behind(OtherJob("big-1", "", 9, 1)), clock)
    assert standing.note(begun) is None
    clock.now_s = 1000
    assert standing.note(waiting_job()) is None


def test_nothing_is_said_to_who_may_not_ask_aws() -> None:
    clock, asked = Hands(), []

    def refused() -> None:
        asked.append(clock.now_s)

    standing = Standing(refused, clock)
    for clock.now_s in range(0, 300, 5):
        assert standing.note(waiting_job()) is None
    assert asked == [10]


RECORD = Record("demo", "FAILED", 1, 1, 2, (), ())


def explained(failed: dict[str, int], items: ItemFailures) -> list[tuple[str, str, str]]:
    evidence = Evidence(RECORD, {"FAILED": 1}, {}, failed, (), memory_mib=1024, items=items)
    return [(each.seen, each.cause, each.fix) for each in diagnose(evidence, CREATED_MS)]


ENDED = {"Essential container in task exited; exit status 1": 1}


@pytest.mark.parametrize(
    ("reason", "cause", "fix"),
    [
        ("NOT_RUN", "the item never began", "`batchctl retry demo` runs these first"),
        ("TABLE", "could not use the job table", "route to DynamoDB"),
        ("MAX_FAILURES", "`--max-failures`", "`batchctl results demo --failed`"),
        ("BUDGET", "cost as much as it may", "`batchctl retry demo` runs the rest"),
    ],
)
def test_what_batch_has_no_words_for_is_explained_by_what_was_recorded(
    reason: str, cause: str, fix: str
) -> None:
    (found,) = explained(ENDED, ItemFailures({reason: 2000}))
    assert found[0] == f"2,000 items failed: {reason}"
    assert cause in found[1]
    assert fix in found[2]


def test_an_exit_status_is_told_where_an_item_failed_of_the_program() -> None:
    found = explained(ENDED, ItemFailures({"NOT_RUN": 1, "EXCEPTION": 1}))
    assert [each[0] for each in found] == [
        "1 item failed: NOT_RUN",
        "1 task failed: Essential container in task exited; exit status 1",
    ]


def test_failures_of_an_earlier_run_are_told_where_the_last_one_did_well() -> None:
    ((seen, _, fix),) = explained({}, ItemFailures({"EXCEPTION": 2}))
    assert seen == "2 items failed in an earlier attempt"
    assert "`batchctl results demo --failed`" in fix


@pytest.mark.parametrize(
    ("sizes", "size"), [((1024, 4096), 4096), ((1024,), 2048), ((512, 1024), 2048)]
)
def test_items_out_of_memory_are_told_with_what_they_held_and_the_next_size(
    sizes: tuple[int, ...], size: int
) -> None:
    oom = {"OutOfMemoryError: Container killed due to memory usage; exit status 137": 1}
    (found,) = explained(oom, ItemFailures({"OUT_OF_MEMORY": 3}, 1019.6, sizes))
    assert found[0] == "3 items failed: OUT_OF_MEMORY; the largest held 1,020 MiB"
    assert found[1] == "a task has 1,024 MiB, shared by the items that it works on at a time"
    assert f"`batchctl retry demo --memory {size}`" in found[2]
    assert f"`compute.memory_mib: [1024, {size}]`" in found[2]
