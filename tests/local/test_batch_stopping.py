from __future__ import annotations

from local_batch import STOP_GRACE_S, LocalBatch

REASON = "no longer wanted"


def cancel(batch: LocalBatch, job_id: str) -> None:
    batch.client.cancel_job(jobId=job_id, reason=REASON)
    batch.advance()


def terminate(batch: LocalBatch, job_id: str) -> None:
    batch.client.terminate_job(jobId=job_id, reason=REASON)
    batch.advance()


def fill(batch: LocalBatch) -> list[str]:
    jobs = [batch.submit() for _ in range(4)]
    for job_id in jobs:
        batch.run(job_id)
    return jobs


def test_cancel_ends_a_job_that_waits(ready: LocalBatch) -> None:
    running = fill(ready)
    job_id = ready.submit()
    cancel(ready, job_id)

    job = ready.job(job_id)
    assert job["status"] == "FAILED"
    assert job["statusReason"] == REASON
    assert job["isCancelled"] is True
    ready.end(running[0])
    assert job_id not in ready.running()


def test_cancel_succeeds_and_changes_nothing_for_a_job_that_runs(ready: LocalBatch) -> None:
    job_id = ready.submit()
    ready.run(job_id)
    cancel(ready, job_id)

    assert ready.status(job_id) == "RUNNING"
    assert ready.signals(job_id) == []
    assert ready.job(job_id)["isCancelled"] is False


def test_cancel_of_an_array_ends_the_children_that_have_not_started(ready: LocalBatch) -> None:
    job_id = ready.submit(arrayProperties={"size": 6})
    cancel(ready, job_id)
    assert ready.status(f"{job_id}:5") == "FAILED"
    assert ready.status(job_id) == "PENDING"

    for index in range(4):
        ready.run(f"{job_id}:{index}")
        ready.end(f"{job_id}:{index}")

    assert ready.status(f"{job_id}:0") == "SUCCEEDED"
    assert ready.status(job_id) == "FAILED"
    assert len(ready.running()) == 4


def test_cancel_and_terminate_of_a_finished_or_unknown_job_do_nothing(ready: LocalBatch) -> None:
    job_id = ready.submit()
    ready.run(job_id)
    ready.end(job_id)
    for end in (cancel, terminate):
        end(ready, job_id)
        end(ready, "none")
    assert ready.status(job_id) == "SUCCEEDED"


def test_terminate_stops_a_running_job_for_good(ready: LocalBatch) -> None:
    job_id = ready.submit(retryStrategy={"attempts": 10})
    ready.run(job_id)
    terminate(ready, job_id)
    assert ready.signals(job_id) == ["TERM"]
    assert ready.status(job_id) == "RUNNING"

    ready.end(job_id, 143)

    job = ready.job(job_id)
    assert job["status"] == "FAILED"
    assert job["statusReason"] == REASON
    assert job["isTerminated"] is True
    assert len(job["attempts"]) == 1


def test_a_terminated_job_that_ends_well_meanwhile_has_failed_all_the_same(
    ready: LocalBatch,
) -> None:
    job_id = ready.submit()
    ready.run(job_id)
    terminate(ready, job_id)
    ready.end(job_id, 0)
    assert ready.status(job_id) == "FAILED"


def test_terminate_kills_what_does_not_stop_in_time(ready: LocalBatch) -> None:
    job_id = ready.submit()
    ready.run(job_id)
    terminate(ready, job_id)
    ready.advance(STOP_GRACE_S)
    assert ready.signals(job_id) == ["TERM", "KILL"]


def test_terminate_of_an_array_ends_all_its_children(ready: LocalBatch) -> None:
    job_id = ready.submit(arrayProperties={"size": 6})
    ready.run(f"{job_id}:0")
    terminate(ready, job_id)
    for index in range(4):
        ready.end(f"{job_id}:{index}", 143)

    assert ready.status(job_id) == "FAILED"
    assert ready.job(job_id)["statusReason"] == REASON
    assert ready.job(job_id)["arrayProperties"]["statusSummary"]["FAILED"] == 6


def test_terminate_of_one_child_leaves_the_others(ready: LocalBatch) -> None:
    job_id = ready.submit(arrayProperties={"size": 2})
    terminate(ready, f"{job_id}:0")
    assert ready.signals(f"{job_id}:0") == ["TERM"]
    assert ready.signals(f"{job_id}:1") == []


def test_a_job_that_runs_too_long_is_stopped_and_not_retried(ready: LocalBatch) -> None:
    job_id = ready.submit(timeout={"attemptDurationSeconds": 60}, retryStrategy={"attempts": 10})
    ready.advance(100)
    ready.run(job_id)
    ready.advance(59)
    assert ready.signals(job_id) == []

    ready.advance(1)
    assert ready.signals(job_id) == ["TERM"]
    ready.end(job_id, 137)

    job = ready.job(job_id)
    assert job["status"] == "FAILED"
    assert job["statusReason"] == "Job attempt duration exceeded timeout"
    assert job["timeout"] == {"attemptDurationSeconds": 60}
    assert len(job["attempts"]) == 1


def test_the_service_sleeps_until_the_next_timeout(ready: LocalBatch) -> None:
    job_id = ready.submit(timeout={"attemptDurationSeconds": 60})
    assert ready.service.tick() is None
    ready.run(job_id)
    assert ready.service.tick() == ready.now + 60


def test_closing_ends_every_running_job(ready: LocalBatch) -> None:
    job_id = ready.submit()
    ready.run(job_id)
    ready.service.close(0.01)
    assert ready.signals(job_id) == ["TERM", "KILL"]
