"""A job that was submitted before an upgrade ends well after it, wherever it stood.

earlier_records/before_layout_2.json holds the table and AWS Batch as the code of commit 3c8ddcc
left them: its receiver, splitter, tracker and the runner's table code, run over the doubles of
this folder (five items, two in a task): a job that waits (`queued`), one whose splitter died
between SubmitJob and the record of it (`half`), one whose three tasks run (`running`), one of
which a container ended with 139 and an item raised (`failed`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from batch_cloud import BatchCloud
from endings import attempt, end_array, end_task, event
from job_life import GOOD, Life, Nature
from memory_dynamodb import MemoryDynamoDB

from batchctl.contract.statuses import Status
from batchctl.contract.table import key

RECORDS = Path(__file__).with_name("earlier_records") / "before_layout_2.json"
UNIVERSE = [f"item-{number}" for number in range(5)]


def life_of(job_id: str) -> Life:
    """The life of a job, some minutes after the upgrade."""
    left: Any = json.loads(RECORDS.read_text(encoding="utf-8"))
    life = Life(Nature(items=5, items_per_task=2), job_id)
    life.dynamodb = MemoryDynamoDB(
        {(each["job_id"]["S"], each["item"]["S"]): each for each in left["table"]}
    )
    life.batch = BatchCloud(life.clock, jobs=left["jobs"], children=left["children"])
    life.batch.ids = iter(range(100, 200))
    life.clock.sleep(360)
    return life


def record_as_before(life: Life, *items: str) -> None:
    """Put results as the containers of before, which run on, have them: beside the JOB record."""
    for item in items:
        life.dynamodb.put_item(
            Item={
                **key(life.job_id, f"RESULT#{item}"),
                "status": {"S": "SUCCEEDED"},
                "result": {"S": f'{{"of":"{item}"}}'},
                "attempts": {"N": "1"},
                "seconds": {"N": "0.500"},
            }
        )


def split(life: Life) -> None:
    life.queue.bodies[:] = [json.dumps({"job_id": life.job_id})]
    life.split(GOOD())


def end(life: Life, **counts: int) -> dict[str, Any]:
    """End the job's array, and have its event come; gives how the job is shown then."""
    (array,) = (
        each["jobId"] for each in life.batch.jobs.values() if each["jobName"] == f"{life.job_id}-0"
    )
    life.batch.events.append(event(end_array(life.batch, array, **counts)))
    for number in range(len(life.batch.events)):
        assert life.track(number, GOOD())
    life.batch.events.clear()
    return life.read(GOOD())


def run(life: Life) -> dict[str, Any]:
    """Have the job submitted and its containers run, as they are after the upgrade."""
    split(life)
    for task in life.batch.runnable():
        life.start(task)
    while running := life.running():
        for task in running:
            life.step(task)
    for number in range(len(life.batch.events)):
        assert life.track(number, GOOD())
    return life.read(GOOD())


def check_succeeded(life: Life, shown: dict[str, Any], layout: int) -> None:
    job = life.record()
    assert job is not None
    assert (shown["status"], job.layout) == (Status.SUCCEEDED, layout)
    assert {item: each["result"] for item, each in shown["results"].items()} == {
        item: {"of": item} for item in UNIVERSE
    }
    assert shown["item_counts"]["succeeded"] == 5


def test_a_job_that_waited_runs_by_the_new_code() -> None:
    life = life_of("queued")
    check_succeeded(life, run(life), layout=2)


def test_a_job_whose_splitter_died_is_not_submitted_again() -> None:
    life = life_of("half")
    before = set(life.batch.jobs)
    split(life)
    assert set(life.batch.jobs) == before
    record_as_before(life, *UNIVERSE)
    check_succeeded(life, end(life, SUCCEEDED=3), layout=1)


def test_a_job_that_ran_ends_by_what_its_containers_record() -> None:
    life = life_of("running")
    assert life.read(GOOD())["status"] is Status.RUNNING
    record_as_before(life, "item-3", "item-4")
    check_succeeded(life, end(life, SUCCEEDED=3), layout=1)


@pytest.mark.parametrize("is_late", [False, True])
def test_what_failed_of_a_job_that_ran_runs_again_with_its_successes_kept(is_late: bool) -> None:
    """Also when the event of the failed task came first, or never."""
    life = life_of("running")
    record_as_before(life, "item-3")
    (array,) = (each for each, job in life.batch.jobs.items() if job["jobName"] == "running-0")
    failed = event(end_task(life.batch, f"{array}:2", "FAILED", [attempt(139)]))
    if not is_late:
        life.batch.events.append(failed)
    shown = end(life, SUCCEEDED=2, FAILED=1)
    assert shown["status"] is Status.FAILED
    assert shown["failures"] == {"EXIT_CODE": 1}
    life.retry(GOOD())
    check_succeeded(life, run(life), layout=2)


def test_a_job_that_had_failed_is_shown_and_retried() -> None:
    life = life_of("failed")
    shown = life.read(GOOD())
    assert shown["status"] is Status.FAILED
    assert {item: each.get("reason") for item, each in shown["results"].items()} == {
        "item-0": None,
        "item-1": None,
        "item-2": "EXCEPTION",
        "item-3": "EXIT_CODE",
        "item-4": None,
    }
    life.retry(GOOD())
    job = life.record()
    assert job is not None
    assert (job.run, job.items_to_do) == (2, 2)
    check_succeeded(life, run(life), layout=2)
