"""What a job is: what was asked for, and how far it has come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from batchctl.contract.statuses import ENDED_TASK, TaskStatus

Status = TaskStatus
"""The states of a job, in the order in which it passes through them."""

ENDED = frozenset(ENDED_TASK)
WAITING = frozenset({Status.SUBMITTED, Status.PENDING, Status.RUNNABLE})


@dataclass(frozen=True)
class Specification:
    """What a job was submitted as; every child of an array job has its parent's."""

    name: str
    queue: str
    queue_arn: str
    definition_name: str
    definition_arn: str
    container: Mapping[str, Any]
    command: tuple[str, ...]
    parameters: Mapping[str, str]
    retry: Mapping[str, Any]
    timeout_s: int | None
    vcpus: float
    depends_on: tuple[Mapping[str, str], ...]
    propagate_tags: bool
    share: str | None = None
    """The share identifier, in queues with a fair-share policy."""
    priority: int = 0


@dataclass(slots=True)
class Attempt:
    """One try of a job. Times are milliseconds since 1970; no exit code when the host went away."""

    task_arn: str
    environment_arn: str
    log_stream: str | None = None
    started_at: int | None = None
    stopped_at: int | None = None
    exit_code: int | None = None
    reason: str | None = None
    status_reason: str | None = None


@dataclass(slots=True, eq=False)
class Job:
    """A job: a plain one, the parent of an array, or one of its children (`PARENT:INDEX`)."""

    id: str
    sequence: int
    specification: Specification
    created_at: int
    tags: dict[str, str]
    parent: Job | None = None
    index: int | None = None
    children: list[Job] = field(default_factory=list)
    summary: dict[Status, int] = field(default_factory=dict)
    status: Status = Status.SUBMITTED
    status_reason: str | None = None
    started_at: int | None = None
    stopped_at: int | None = None
    attempts: list[Attempt] = field(default_factory=list)
    unmet_dependencies: int = 0
    is_cancelled: bool = False
    is_terminated: bool = False

    @property
    def has_ended(self) -> bool:
        """Whether the job is SUCCEEDED or FAILED."""
        return self.status in ENDED
