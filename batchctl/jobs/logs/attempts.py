"""The tasks of a job as AWS Batch shows them, with each of their attempts and its log stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from batchctl.aws.session import Aws
from batchctl.contract.statuses import ENDED_TASK, TaskStatus
from batchctl.jobs.record import IDS_PER_CALL, Task


@dataclass(frozen=True)
class Attempt:
    """One run of a task's container: its `number` from 1 on, and what Batch says about it.

    Times are milliseconds since the epoch; what Batch doesn't tell is None.
    """

    task: Task
    number: int
    stream: str | None
    started_at: int | None = None
    stopped_at: int | None = None
    exit_code: int | None = None
    reason: str | None = None
    status_reason: str | None = None


@dataclass(frozen=True)
class Child:
    """One task in AWS Batch: its status, Batch's reason for it, and its attempts so far.

    `vcpus` and `memory_mib` are what it asks for.
    """

    task: Task
    status: str
    status_reason: str | None
    attempts: tuple[Attempt, ...]
    vcpus: float = 0.0
    memory_mib: int = 0

    @property
    def ended(self) -> bool:
        """Whether nothing about the task changes any more."""
        return self.status in ENDED_TASK

    @property
    def failed(self) -> bool:
        """Whether it ended otherwise than well."""
        return self.status == TaskStatus.FAILED


def describe(aws: Aws, tasks: Iterable[Task]) -> Iterator[Child]:
    """Yield the tasks that Batch knows, in their order."""
    rest = iter(tasks)
    while chunk := list(islice(rest, IDS_PER_CALL)):
        answer = aws.batch.describe_jobs(jobs=[task.batch_id for task in chunk])
        found = {detail["jobId"]: detail for detail in answer["jobs"]}
        yield from (_child(task, found[task.batch_id]) for task in chunk if task.batch_id in found)


def _child(task: Task, detail: Mapping[str, Any]) -> Child:
    attempts = _attempts(task, detail)
    asked = detail.get("container", {}).get("resourceRequirements", [])
    values = {each["type"]: float(each["value"]) for each in asked}
    return Child(
        task,
        detail["status"],
        detail.get("statusReason"),
        attempts,
        values.get("VCPU", 0.0),
        int(values.get("MEMORY", 0)),
    )


def _attempts(task: Task, detail: Mapping[str, Any]) -> tuple[Attempt, ...]:
    """Return the attempts that are over and, while it runs, the one that isn't listed yet."""
    over = [_attempt(task, n, entry) for n, entry in enumerate(detail.get("attempts", []), 1)]
    stream = detail.get("container", {}).get("logStreamName")
    if stream and stream not in {attempt.stream for attempt in over}:
        running = Attempt(task, len(over) + 1, stream, started_at=detail.get("startedAt"))
        return (*over, running)
    return tuple(over)


def _attempt(task: Task, number: int, entry: Mapping[str, Any]) -> Attempt:
    container = entry.get("container", {})
    return Attempt(
        task=task,
        number=number,
        stream=container.get("logStreamName"),
        started_at=entry.get("startedAt"),
        stopped_at=entry.get("stoppedAt"),
        exit_code=container.get("exitCode"),
        reason=container.get("reason"),
        status_reason=entry.get("statusReason"),
    )
