"""How a task without a result ended: read from what AWS Batch says of its Batch job. No calls.

Sources: AWS Batch User Guide, "Automated job retries" and "AWS Batch best practices" (`Host EC2*`
says that the machine was taken away), "Job timeouts", "Troubleshooting"; Amazon ECS Developer
Guide, "Stopped tasks error messages" (CannotPullContainerError, OutOfMemoryError and their kin).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

CANCELLED = "cancelled by batchctl"
"""The reason that we give to TerminateJob: the children of a cancelled job say it."""

KILLED = 137
"""128 + SIGKILL: the kernel's way with a container that takes more memory than it may."""

IMAGE = re.compile(r"Cannot(Pull|Inspect)|ImageNotFound|manifest (for|unknown)|pull access denied")
HOST = re.compile(
    r"AGENT|DockerTimeout|Task failed to start|Cannot(Start|Create|Stop)Container"
    r"|ResourceInitialization|ContainerRuntime"
)


class Reason(StrEnum):
    """What ended an item without a result."""

    EXCEPTION = "EXCEPTION"
    EXIT_CODE = "EXIT_CODE"
    OUT_OF_MEMORY = "OUT_OF_MEMORY"
    TIMEOUT = "TIMEOUT"
    SPOT_RECLAIM = "SPOT_RECLAIM"
    IMAGE = "IMAGE"
    TERMINATED = "TERMINATED"
    HOST = "HOST"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True)
class Failure:
    """Why a task failed, in words for people; `attempts` counts the times that it was started.

    `seconds` is the wall time of the last one; `None` where Batch doesn't say.
    """

    reason: Reason
    error: str
    exit_code: int | None = None
    attempts: int = 0
    seconds: float | None = None


@dataclass(frozen=True)
class Success:
    """Exit status 0, of a container that records nothing itself; else as of a failure."""

    attempts: int = 0
    seconds: float | None = None


def end_of(detail: Mapping[str, Any] | None, *, on_demand: bool) -> Failure | Success:
    """Say how a task ended, from its JobDetail of DescribeJobs or of an event.

    Without `detail` Batch doesn't know the task any more. A machine of an `on_demand` queue that
    went away was not reclaimed.
    """
    if detail is None:
        return Failure(Reason.UNKNOWN, "the task ended, and AWS Batch no longer knows how")
    attempts = detail.get("attempts", ())
    if detail.get("status") == "SUCCEEDED":
        return Success(len(attempts), _seconds(attempts[-1]) if attempts else None)
    code = _exit_code(detail)
    reason, error = _reason(detail, code, on_demand=on_demand)
    return Failure(reason, error, code, len(attempts), _seconds(attempts[-1]) if attempts else None)


def reclaims_of(detail: Mapping[str, Any]) -> tuple[int, float]:
    """Count the attempts at a task that lost their machine, and the seconds that they had run."""
    lost = [
        attempt
        for attempt in detail.get("attempts", ())
        if _lost_host(_text(attempt, "statusReason"))
    ]
    return len(lost), round(sum(_seconds(attempt) or 0.0 for attempt in lost), 3)


def _reason(detail: Mapping[str, Any], code: int | None, *, on_demand: bool) -> tuple[Reason, str]:
    """Say who ended the task: somebody, the clock, the machine; else what the container says."""
    status = _text(detail, "statusReason")
    if detail.get("isTerminated") or detail.get("isCancelled") or status == CANCELLED:
        return Reason.TERMINATED, f"the task was terminated: {status or 'no reason given'}"
    if "exceeded timeout" in status:
        return Reason.TIMEOUT, f"the task ran longer than `compute.timeout_s` allows: {status}"
    if _lost_host(status):
        return _lost(detail, status, on_demand=on_demand)
    return _of_container(code, "; ".join(_told(detail)))


def _of_container(code: int | None, told: str) -> tuple[Reason, str]:
    if IMAGE.search(told):
        return Reason.IMAGE, f"the image could not be pulled: {told}"
    if "OutOfMemory" in told or code == KILLED:
        return Reason.OUT_OF_MEMORY, f"the task needed more memory than it may have: {told}"
    if code:
        return Reason.EXIT_CODE, f"the container ended with exit status {code}: its log says why"
    if HOST.search(told):
        return Reason.HOST, f"the container could not be run: {told}"
    return Reason.UNKNOWN, told or "AWS Batch gives no reason"


def _lost(detail: Mapping[str, Any], status: str, *, on_demand: bool) -> tuple[Reason, str]:
    times = len(detail.get("attempts", ()))
    if on_demand:
        return Reason.HOST, f"the machine went away, {times} times: {status}"
    return Reason.SPOT_RECLAIM, f"Spot took the machine away, {times} times: {status}"


def _lost_host(status_reason: str) -> bool:
    return status_reason.startswith("Host EC2")


def _told(detail: Mapping[str, Any]) -> Iterator[str]:
    """Give what Batch says of the task and of its last container, each once."""
    attempts = detail.get("attempts") or [{}]
    containers = [detail.get("container", {}), attempts[-1].get("container", {})]
    said = [_text(each, "reason") for each in containers] + [_text(detail, "statusReason")]
    yield from dict.fromkeys(text for text in said if text)


def _exit_code(detail: Mapping[str, Any]) -> int | None:
    """Give the last exit status; one whose machine went away often has none."""
    attempts = detail.get("attempts") or [{}]
    for container in (attempts[-1].get("container", {}), detail.get("container", {})):
        if container.get("exitCode") is not None:
            return int(container["exitCode"])
    return None


def _seconds(attempt: Mapping[str, Any]) -> float | None:
    started, stopped = attempt.get("startedAt"), attempt.get("stoppedAt")
    return None if started is None or stopped is None else max(0.0, (stopped - started) / 1000)


def _text(described: Mapping[str, Any], name: str) -> str:
    return str(described.get(name) or "")
