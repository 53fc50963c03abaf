from __future__ import annotations

import random
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError
from local_batch import LocalBatch

from batchctl.local.batch.model.retries import Ending, is_retried
from batchctl.local.batch.running.memory import OUT_OF_MEMORY

RECLAIMED = "Host EC2 (instance i-0123456789abcdef0) terminated."
SPOT_ONLY = [
    {"onStatusReason": "Host EC2*", "action": "RETRY"},
    {"onReason": "CannotPullContainerError:*", "action": "RETRY"},
    {"onReason": "*", "action": "EXIT"},
]


@pytest.mark.parametrize(
    ("rules", "ending", "expected"),
    [
        pytest.param([], Ending(1), True, id="no rules: every failure is retried"),
        pytest.param(SPOT_ONLY, Ending(None, None, RECLAIMED), True, id="a reclaim is retried"),
        pytest.param(SPOT_ONLY, Ending(1, None, "Essential container in task exited"), False,
                     id="an application error meets the last rule though it has no reason"),
        pytest.param(SPOT_ONLY, Ending(None, "CannotPullContainerError: gone", "Task failed"), True,
                     id="a prefix of the reason matches"),
        pytest.param([{"onExitCode": "1", "action": "EXIT"}], Ending(137), True,
                     id="no rule matches: retried"),
        pytest.param([{"onExitCode": "13*", "action": "EXIT"}], Ending(137), False,
                     id="a prefix of the exit code matches"),
        pytest.param([{"onExitCode": "1", "action": "EXIT"}], Ending(13), True,
                     id="without a star the whole exit code has to match"),
        pytest.param([{"onExitCode": "137", "onReason": "OutOfMemory*", "action": "exit"}],
                     Ending(137, "OutOfMemoryError: killed"), False,
                     id="both conditions match, action in lower case"),
        pytest.param([{"onExitCode": "137", "onReason": "OutOfMemory*", "action": "EXIT"}],
                     Ending(137, "other"), True, id="only one of two conditions matches"),
        pytest.param([{"onExitCode": "1", "action": "RETRY"}, {"onReason": "*", "action": "EXIT"}],
                     Ending(1), True, id="the first matching rule decides"),
        pytest.param([{"onExitCode": "0", "action": "EXIT"}], Ending(None, None, RECLAIMED), True,
                     id="no exit code matches no number"),
    ],
)  # fmt: skip
def test_the_retry_rules_decide_as_on_aws(
    rules: list[dict[str, Any]], ending: Ending, *, expected: bool
) -> None:
    assert is_retried({"attempts": 3, "evaluateOnExit": rules}, 1, ending) is expected


def test_the_last_attempt_is_never_retried() -> None:
    assert not is_retried({"attempts": 3, "evaluateOnExit": []}, 3, Ending(1))


@pytest.mark.parametrize(
    ("strategy", "text"),
    [
        ({"attempts": 0}, "between 1 and 10"),
        ({"evaluateOnExit": [{"onReason": "*", "action": "EXIT"}]}, "requires attempts"),
        ({"attempts": 2, "evaluateOnExit": [{"action": "EXIT"}]}, "onExitCode, onReason"),
        ({"attempts": 2, "evaluateOnExit": [{"onReason": "a", "action": "STOP"}]}, "RETRY or EXIT"),
        (
            {"attempts": 2, "evaluateOnExit": [{"onReason": "(x)", "action": "EXIT"}]},
            "not a valid pattern",
        ),
        (
            {"attempts": 2, "evaluateOnExit": [{"onReason": "a*b", "action": "EXIT"}]},
            "not a valid pattern",
        ),
        (
            {"attempts": 2, "evaluateOnExit": [{"onExitCode": "x", "action": "EXIT"}]},
            "not a valid pattern",
        ),
        (
            {"attempts": 2, "evaluateOnExit": [{"onReason": "a", "action": "EXIT"}] * 6},
            "more than 5",
        ),
    ],
)
def test_a_retry_strategy_that_aws_refuses_is_refused(
    batch: LocalBatch, strategy: dict[str, Any], text: str
) -> None:
    with pytest.raises(ClientError, match=text):
        batch.definition(retryStrategy=strategy)


def test_a_failed_attempt_is_followed_by_another_until_they_are_used_up(ready: LocalBatch) -> None:
    job_id = ready.submit(retryStrategy={"attempts": 2})
    ready.run(job_id)
    ready.end(job_id, 1)
    assert ready.status(job_id) == "STARTING"
    assert ready.task(job_id).environment["AWS_BATCH_JOB_ATTEMPT"] == "2"

    ready.run(job_id)
    ready.end(job_id, 2)

    job = ready.job(job_id)
    assert job["status"] == "FAILED"
    assert [attempt["container"]["exitCode"] for attempt in job["attempts"]] == [1, 2]
    streams = [attempt["container"]["logStreamName"] for attempt in job["attempts"]]
    assert len(set(streams)) == 2


def test_a_retried_job_goes_before_those_that_wait(ready: LocalBatch) -> None:
    jobs = [ready.submit(retryStrategy={"attempts": 2}) for _ in range(6)]
    ready.run(jobs[0])
    ready.end(jobs[0], 1)
    assert ready.running() == [*jobs[:4], jobs[0]]


def test_a_reclaimed_job_is_asked_to_end_and_retried_by_its_rules(ready: LocalBatch) -> None:
    job_id = ready.submit(retryStrategy={"attempts": 10, "evaluateOnExit": SPOT_ONLY})
    ready.run(job_id)

    assert ready.service.interrupt(1.0) == [job_id]
    ready.advance()
    assert ready.signals(job_id) == ["TERM"]
    ready.end(job_id, 143)

    attempt = ready.job(job_id)["attempts"][0]
    assert re.fullmatch(
        r"Host EC2 \(instance i-[0-9a-f]{17}\) terminated\.", attempt["statusReason"]
    )
    assert "exitCode" not in attempt["container"]
    assert ready.status(job_id) == "STARTING"
    assert len(ready.runner.tasks) == 2


def test_an_application_error_is_not_retried_by_the_same_rules(ready: LocalBatch) -> None:
    job_id = ready.submit(retryStrategy={"attempts": 10, "evaluateOnExit": SPOT_ONLY})
    ready.run(job_id)
    ready.end(job_id, 1)
    assert ready.status(job_id) == "FAILED"


def test_a_reclaimed_job_that_does_not_end_is_killed(ready: LocalBatch) -> None:
    job_id = ready.submit()
    ready.run(job_id)
    ready.service.interrupt(1.0)
    ready.advance(29)
    assert ready.signals(job_id) == ["TERM"]
    ready.advance(1)
    assert ready.signals(job_id) == ["TERM", "KILL"]


def test_only_running_jobs_are_reclaimed_and_as_many_as_the_rate_says(ready: LocalBatch) -> None:
    ready.environment("large", maxvCpus=1000)
    ready.queue("wide", "large")
    batch = ready
    jobs = [batch.submit(jobQueue="wide") for _ in range(8)]
    for job_id in jobs[:6]:
        batch.run(job_id)

    found = batch.service.interrupt(0.5, random.Random(1))  # noqa: S311 - a fixed sequence

    assert 0 < len(found) < 6
    assert set(found) <= set(jobs[:6])
    assert batch.service.interrupt(0.0) == []


def test_each_host_has_its_own_instance_and_on_demand_hosts_are_not_reclaimed(
    ready: LocalBatch,
) -> None:
    ready.environment("steady", type="EC2", allocationStrategy="BEST_FIT_PROGRESSIVE")
    ready.queue("kept", "steady")
    kept, first, second = ready.submit(jobQueue="kept"), ready.submit(), ready.submit()
    for job_id in (kept, first, second):
        ready.run(job_id)

    assert set(ready.service.interrupt(1.0)) == {first, second}

    for job_id in (first, second):
        ready.end(job_id, 143)
    reasons = {ready.job(job_id)["attempts"][0]["statusReason"] for job_id in (first, second)}
    assert len(reasons) == 2
    assert ready.signals(kept) == []


def test_out_of_memory_is_an_exit_code_with_a_reason(ready: LocalBatch) -> None:
    job_id = ready.submit(retryStrategy={"attempts": 10, "evaluateOnExit": SPOT_ONLY})
    ready.run(job_id)
    ready.end(job_id, 137, OUT_OF_MEMORY)
    job = ready.job(job_id)
    assert (job["status"], job["statusReason"]) == ("FAILED", "Essential container in task exited")
    assert job["container"]["exitCode"] == 137
    assert job["container"]["reason"] == OUT_OF_MEMORY
