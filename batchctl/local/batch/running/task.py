"""One attempt of a job, between the scheduler, which decides about it, and whoever runs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Task:
    """All that running one attempt needs, and nothing of the job's history."""

    id: str
    job_id: str
    image: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    role_arn: str | None
    vcpus: float
    memory_mib: int
    log_group: str
    log_stream: str
    user: str | None = None


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended: its exit code, or the `reason` why it has none; out of memory: both."""

    exit_code: int | None = None
    reason: str | None = None


class Reports(Protocol):
    """Receives how an attempt goes; called from any thread."""

    def started(self, task_id: str) -> None:
        """Note that the process runs."""

    def ended(self, task_id: str, outcome: Outcome) -> None:
        """Note that the process is gone, and its log complete."""


class Handle(Protocol):
    """A running attempt, to be stopped; quietly when it has ended, and without waiting."""

    def terminate(self) -> None:
        """Ask the attempt to end (SIGTERM)."""

    def kill(self) -> None:
        """End the attempt (SIGKILL)."""


class Runner(Protocol):
    """Runs attempts."""

    def run(self, task: Task, reports: Reports) -> Handle:
        """Start to run `task` without waiting for it."""
