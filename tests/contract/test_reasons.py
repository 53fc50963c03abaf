"""Why a task failed, from what AWS Batch says of it."""

from __future__ import annotations

from typing import Any

import pytest

from batchctl.contract.batch_jobs import CANCELLED
from batchctl.contract.environment import RunnerExit
from batchctl.contract.reasons import (
    CAUSES,
    NO_TABLE,
    NOT_RUN,
    RAN_NOTHING,
    Failure,
    Reason,
    Success,
    cause_of,
    end_of,
    reclaims_of,
    words_of,
)


def failure_of(detail: dict[str, Any] | None, *, on_demand: bool = False) -> Failure:
    end = end_of(detail, on_demand=on_demand)
    assert isinstance(end, Failure)
    return end


HOST_GONE = "Host EC2 (instance i-0abc) terminated."


def task(status_reason: str, *attempts: dict[str, Any], **more: Any) -> dict[str, Any]:
    container = attempts[-1].get("container", {}) if attempts else {}
    return {
        "status": "FAILED",
        "statusReason": status_reason,
        "container": container,
        "attempts": list(attempts),
        **more,
    }


def attempt(
    exit_code: int | None = None,
    reason: str | None = None,
    status_reason: str = "",
    seconds: int = 2,
) -> dict[str, Any]:
    said = {"exitCode": exit_code, "reason": reason}
    return {
        "container": {name: value for name, value in said.items() if value is not None},
        "statusReason": status_reason,
        "startedAt": 1_000,
        "stoppedAt": 1_000 + seconds * 1000,
    }


ENDED = "Essential container in task exited"
OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"
NO_IMAGE = "CannotPullContainerError: Error response from daemon: manifest unknown"


@pytest.mark.parametrize(
    ("detail", "reason", "exit_code", "said"),
    [
        (task(ENDED, attempt(3)), Reason.EXIT_CODE, 3, "exit status 3"),
        (task(ENDED, attempt(137, OUT_OF_MEMORY)), Reason.OUT_OF_MEMORY, 137, "memory"),
        (task(ENDED, attempt(137)), Reason.EXIT_CODE, 137, "killed by SIGKILL"),
        (
            task("Job attempt duration exceeded timeout", attempt(137)),
            Reason.TIMEOUT,
            137,
            "compute.timeout_s",
        ),
        (task(HOST_GONE, *[attempt()] * 10), Reason.SPOT_RECLAIM, None, "10 times"),
        (task("Task failed to start", attempt(None, NO_IMAGE)), Reason.IMAGE, None, "manifest"),
        (
            task("Task failed to start", attempt(None, "DockerTimeoutError: could not start")),
            Reason.HOST,
            None,
            "DockerTimeoutError",
        ),
        (task(ENDED, *[attempt(143)] * 10), Reason.HOST, 143, "SIGTERM"),
        (task("by hand", attempt(143), isTerminated=True), Reason.TERMINATED, 143, "by hand"),
        (task(CANCELLED), Reason.TERMINATED, None, CANCELLED),
        (task("no more", isCancelled=True), Reason.TERMINATED, None, "no more"),
        (task(""), Reason.UNKNOWN, None, "gives no reason"),
    ],
)
def test_what_batch_says_becomes_a_reason_with_words(
    detail: dict[str, Any], reason: Reason, exit_code: int | None, said: str
) -> None:
    failure = failure_of(detail)
    assert (failure.reason, failure.exit_code) == (reason, exit_code)
    assert said in failure.error
    assert failure.attempts == len(detail["attempts"])


def test_exit_status_0_is_a_success_of_a_container_that_records_nothing() -> None:
    detail = task(ENDED, attempt(0, seconds=7), status="SUCCEEDED")
    assert end_of(detail, on_demand=False) == Success(attempts=1, seconds=7.0)


def test_exit_status_0_is_no_success_where_memory_ran_out() -> None:
    """A child of the program was killed, and the program didn't care."""
    detail = task(ENDED, attempt(0, OUT_OF_MEMORY), status="SUCCEEDED")
    assert failure_of(detail).reason is Reason.OUT_OF_MEMORY


def test_what_our_runner_recorded_goes_before_exit_status_and_words() -> None:
    done = task(ENDED, attempt(0, OUT_OF_MEMORY), status="SUCCEEDED")
    assert isinstance(end_of(done, on_demand=False, has_runner=True), Success)


def test_our_runner_says_by_its_exit_status_that_it_could_not_use_the_table() -> None:
    detail = task(ENDED, attempt(RunnerExit.TABLE))
    end = end_of(detail, on_demand=False, has_runner=True)
    assert isinstance(end, Failure)
    assert (end.reason, end.exit_code) == (Reason.TABLE, 3)
    # of any other program 3 is a number like others
    assert failure_of(detail).reason is Reason.EXIT_CODE


def test_every_row_says_where_its_words_are_from() -> None:
    assert all(cause.source for cause in (*CAUSES, NO_TABLE, NOT_RUN, RAN_NOTHING))


def test_a_machine_on_demand_is_not_reclaimed_when_it_goes() -> None:
    assert failure_of(task(HOST_GONE, attempt()), on_demand=True).reason is Reason.HOST


def test_a_task_that_batch_forgot_has_an_unknown_reason() -> None:
    failure = failure_of(None)
    assert (failure.reason, failure.seconds) == (Reason.UNKNOWN, None)


def test_the_seconds_are_those_of_the_last_attempt() -> None:
    detail = task(ENDED, attempt(status_reason=HOST_GONE, seconds=40), attempt(1, seconds=7))
    assert failure_of(detail).seconds == 7.0


def test_reclaims_are_the_attempts_that_lost_their_machine() -> None:
    detail = task(
        ENDED,
        attempt(status_reason=HOST_GONE, seconds=40),
        attempt(None, "DockerTimeoutError", "Task failed to start", seconds=5),
        attempt(143, status_reason=HOST_GONE, seconds=2),
        attempt(0, seconds=9),
    )
    assert reclaims_of(detail) == (2, 42.0)


def test_an_attempt_stopped_before_its_machine_was_is_a_reclaim_once_it_is_tried_again() -> None:
    stopped = attempt(143, status_reason=ENDED, seconds=40)
    assert reclaims_of(task(ENDED, stopped, attempt(0, seconds=9))) == (1, 40.0)
    assert reclaims_of(task(ENDED, stopped)) == (0, 0)


@pytest.mark.parametrize(
    ("words", "reason", "advice"),
    [
        # amazon-ecs-agent issue 2467: a full disk, or thin pool, of the host
        ("CannotCreateContainerError: no space left on device", Reason.HOST, "smaller"),
        # raster-vision issue 1212: the image is larger than the host's disk
        ("CannotPullContainerError: no space left on device", Reason.HOST, "smaller"),
        # Amazon ECS Developer Guide, "Troubleshooting CannotPullContainerError"
        ("ImageNotFoundException: not there", Reason.IMAGE, "compute.image"),
        # metaflow issue 1761: the container has run; its end could not be read
        ("CannotInspectContainerError: could not transition", Reason.HOST, "disks and network"),
        # nextflow issue 2730: created never, so there is no log to look into
        ("CannotCreateContainerError: API error; exit status 1", Reason.HOST, "disks and network"),
        ("standard_init_linux.go: exec format error; exit status 1", Reason.IMAGE, "architecture"),
        ("CannotStartContainerError: executable file not found in $PATH", Reason.IMAGE, "command"),
        (f"{ENDED}; exit status 127", Reason.EXIT_CODE, "compute.command"),
        (f"{ENDED}; exit status 1", Reason.EXIT_CODE, "--failed"),
        # nothing but a number: a kill by hand, a host that is short of memory, a limit
        (f"{ENDED}; exit status 137", Reason.EXIT_CODE, "if its memory"),
        # amazon-ecs-agent issue 4308
        (
            "DockerTimeoutError: Could not transition to stopped; timed out; exit status 137",
            Reason.HOST,
            "disks and network",
        ),
        # nextflow issue 2730: forty pulls at once
        ("DockerTimeoutError: Could not transition to created", Reason.HOST, "smaller image"),
        (
            "CannotStartContainerError: failed to initialize logging driver: log group not there",
            Reason.HOST,
            "log group",
        ),
        # a container that was never created has no log, whatever exit status Batch gives it
        (
            "Task failed to start; CannotCreateContainerError: thin pool; exit status 1",
            Reason.HOST,
            "smaller",
        ),
        (f"{ENDED}; exit status 0", Reason.UNKNOWN, "batchctl logs"),
    ],
)
def test_one_table_has_reason_and_advice_for_what_batch_says(
    words: str, reason: Reason, advice: str
) -> None:
    cause = cause_of(words)
    assert cause.reason is reason
    assert advice in cause.advice_for("demo")


def test_the_words_of_a_task_are_those_of_batch_and_of_its_last_container() -> None:
    detail = task("Task failed to start", attempt(1, NO_IMAGE), attempt(None, NO_IMAGE))
    assert words_of(detail) == f"Task failed to start; {NO_IMAGE}"
    assert words_of(task(ENDED, attempt(3))) == f"{ENDED}; exit status 3"
