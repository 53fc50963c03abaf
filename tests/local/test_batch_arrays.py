from __future__ import annotations

import time
from typing import Any

from local_batch import LocalBatch


def submit_array(batch: LocalBatch, size: int, **members: Any) -> str:
    return batch.submit(arrayProperties={"size": size}, **members)


def run_and_end(batch: LocalBatch, job_id: str, exit_code: int = 0) -> None:
    batch.run(job_id)
    batch.end(job_id, exit_code)


def summary(batch: LocalBatch, job_id: str) -> dict[str, int]:
    counts = batch.job(job_id)["arrayProperties"]["statusSummary"]
    return {status: count for status, count in counts.items() if count}


def test_an_array_is_pending_while_its_children_run(ready: LocalBatch) -> None:
    job_id = submit_array(ready, 6)
    ready.run(f"{job_id}:0")

    assert ready.status(job_id) == "PENDING"
    assert summary(ready, job_id) == {"RUNNABLE": 2, "STARTING": 3, "RUNNING": 1}
    assert ready.job(job_id)["arrayProperties"]["size"] == 6


def test_an_array_succeeds_when_all_its_children_have(ready: LocalBatch) -> None:
    job_id = submit_array(ready, 3)
    for index in range(3):
        run_and_end(ready, f"{job_id}:{index}")

    assert ready.status(job_id) == "SUCCEEDED"
    assert summary(ready, job_id) == {"SUCCEEDED": 3}
    assert ready.job(job_id)["stoppedAt"] >= ready.job(job_id)["createdAt"]


def test_an_array_fails_once_all_have_ended_when_one_child_failed(ready: LocalBatch) -> None:
    job_id = submit_array(ready, 3)
    run_and_end(ready, f"{job_id}:0", 1)
    run_and_end(ready, f"{job_id}:1")
    assert ready.status(job_id) == "PENDING"

    run_and_end(ready, f"{job_id}:2")

    assert ready.status(job_id) == "FAILED"
    assert ready.job(job_id)["statusReason"] == "Array Child Job failed"
    assert summary(ready, job_id) == {"SUCCEEDED": 2, "FAILED": 1}


def test_a_child_knows_its_index_and_the_size(ready: LocalBatch) -> None:
    job_id = submit_array(ready, 3)

    environment = ready.task(f"{job_id}:2").environment

    assert environment["AWS_BATCH_JOB_ARRAY_INDEX"] == "2"
    assert environment["AWS_BATCH_JOB_ARRAY_SIZE"] == "3"
    assert environment["AWS_BATCH_JOB_ID"] == f"{job_id}:2"
    assert ready.job(f"{job_id}:2")["arrayProperties"] == {"index": 2}


def test_children_are_started_by_their_index(ready: LocalBatch) -> None:
    job_id = submit_array(ready, 4)
    assert ready.running() == [f"{job_id}:{index}" for index in range(4)]


def test_ten_thousand_children_cost_no_more_than_their_records(ready: LocalBatch) -> None:
    began = time.perf_counter()
    job_id = submit_array(ready, 10_000)
    for index in range(100):
        run_and_end(ready, f"{job_id}:{index}")
    seconds = time.perf_counter() - began

    assert summary(ready, job_id)["SUCCEEDED"] == 100
    assert len(ready.running()) == 104
    assert seconds < 5


def test_a_dependent_job_waits_for_the_whole_array(ready: LocalBatch) -> None:
    array = submit_array(ready, 2)
    job_id = ready.submit(dependsOn=[{"jobId": array}])
    run_and_end(ready, f"{array}:0")
    assert ready.status(job_id) == "PENDING"

    run_and_end(ready, f"{array}:1")

    assert ready.status(job_id) == "STARTING"


def test_a_job_whose_dependency_failed_fails_without_running(ready: LocalBatch) -> None:
    first = ready.submit()
    second = ready.submit(dependsOn=[{"jobId": first}])
    third = ready.submit(dependsOn=[{"jobId": second}])
    run_and_end(ready, first, 1)

    assert ready.status(third) == "FAILED"
    assert ready.job(second)["statusReason"] == "Dependent Job failed"
    assert ready.running() == [first]


def test_a_dependency_that_has_already_ended_counts_at_once(ready: LocalBatch) -> None:
    good, bad = ready.submit(), ready.submit()
    run_and_end(ready, good)
    run_and_end(ready, bad, 1)

    assert ready.status(ready.submit(dependsOn=[{"jobId": good}])) == "STARTING"
    assert ready.status(ready.submit(dependsOn=[{"jobId": bad}])) == "FAILED"


def test_n_to_n_children_wait_for_the_child_of_their_own_index(ready: LocalBatch) -> None:
    first = submit_array(ready, 2)
    second = submit_array(ready, 2, dependsOn=[{"jobId": first, "type": "N_TO_N"}])
    run_and_end(ready, f"{first}:1")

    assert ready.status(f"{second}:1") == "STARTING"
    assert ready.status(f"{second}:0") == "PENDING"


def test_sequential_children_run_one_after_the_other(ready: LocalBatch) -> None:
    job_id = submit_array(ready, 3, dependsOn=[{"type": "SEQUENTIAL"}])
    assert summary(ready, job_id) == {"PENDING": 2, "STARTING": 1}

    run_and_end(ready, f"{job_id}:0")

    assert ready.status(f"{job_id}:1") == "STARTING"
    assert ready.status(f"{job_id}:2") == "PENDING"


def test_a_failed_child_fails_a_long_sequential_chain_after_it(ready: LocalBatch) -> None:
    job_id = submit_array(ready, 3000, dependsOn=[{"type": "SEQUENTIAL"}])
    run_and_end(ready, f"{job_id}:0", 1)

    assert summary(ready, job_id) == {"FAILED": 3000}
    assert ready.status(job_id) == "FAILED"


def test_a_jobs_timeout_goes_before_its_definitions_for_every_child(batch: LocalBatch) -> None:
    batch.environment()
    batch.queue()
    batch.definition(timeout={"attemptDurationSeconds": 600})
    job_id = batch.submit(
        arrayProperties={"size": 2},
        timeout={"attemptDurationSeconds": 60},
        containerOverrides={"resourceRequirements": [{"type": "MEMORY", "value": "2048"}]},
    )
    assert batch.job(f"{job_id}:1")["timeout"] == {"attemptDurationSeconds": 60}
    assert batch.run(f"{job_id}:1").memory_mib == 2048
    batch.advance(59)
    assert batch.signals(f"{job_id}:1") == []
    batch.advance(1)
    assert batch.signals(f"{job_id}:1") == ["TERM"]
