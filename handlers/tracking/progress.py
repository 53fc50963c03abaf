"""How far a job is, from what AWS Batch says of its Batch jobs: pure counting, no calls.

A task is a child of an array job, or a plain job. An array job's `statusSummary` is brought up to
date some time after its children change (AWS Batch API reference, ArrayPropertiesDetail), so the
state of the array job itself goes first: when it is SUCCEEDED, so are all its children.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from batchctl.contract.batch_jobs import BatchJob
from batchctl.contract.job_record import JobRecord
from batchctl.contract.statuses import ENDED_TASK, RUNNING_TASK, Status, TaskStatus

if TYPE_CHECKING:
    from mypy_boto3_batch.type_defs import JobDetailTypeDef


@dataclass(frozen=True)
class Counts:
    """Tasks by state."""

    pending: int = 0
    running: int = 0
    succeeded: int = 0
    failed: int = 0

    def __add__(self, other: Counts) -> Counts:
        """Count both."""
        return Counts(
            self.pending + other.pending,
            self.running + other.running,
            self.succeeded + other.succeeded,
            self.failed + other.failed,
        )

    def shown(self) -> dict[str, int]:
        """Return the counts as answers have them."""
        return {
            "total": self.pending + self.running + self.succeeded + self.failed,
            "pending": self.pending,
            "running": self.running,
            "succeeded": self.succeeded,
            "failed": self.failed,
        }

    @property
    def started(self) -> bool:
        """Whether any task runs or has ended."""
        return self.running + self.succeeded + self.failed > 0


@dataclass(frozen=True)
class Observation:
    """One Batch job as Batch shows it.

    `counts` is `None` when it has ended but Batch doesn't say how many of its tasks succeeded: the
    results must be asked. `stopped_at` is in milliseconds since the epoch.
    """

    batch_job: BatchJob
    counts: Counts | None
    ended: bool
    stopped_at: int | None = None


def observe(
    batch_job: BatchJob, detail: JobDetailTypeDef | None, *, forgotten: bool
) -> Observation:
    """Read one answer of DescribeJobs.

    Without `detail` Batch doesn't know the job: it has `forgotten` it, which is an end, or doesn't
    know it yet.
    """
    if detail is None:
        counts = None if forgotten else Counts(pending=batch_job.tasks)
        return Observation(batch_job, counts, ended=forgotten)
    counts = _counts(batch_job, detail)
    ended = detail["status"] in ENDED_TASK
    if ended and counts.succeeded + counts.failed != batch_job.tasks:
        return Observation(batch_job, None, ended=True, stopped_at=detail.get("stoppedAt"))
    return Observation(batch_job, counts, ended, detail.get("stoppedAt"))


def _counts(batch_job: BatchJob, detail: JobDetailTypeDef) -> Counts:
    status = detail["status"]
    if status == TaskStatus.SUCCEEDED:
        return Counts(succeeded=batch_job.tasks)
    if "arrayProperties" not in detail:
        return _by_state({status: 1}, batch_job.tasks)
    return _by_state(detail["arrayProperties"].get("statusSummary", {}), batch_job.tasks)


def _by_state(states: dict[str, int], tasks: int) -> Counts:
    running = sum(states.get(state, 0) for state in RUNNING_TASK)
    succeeded, failed = states.get(TaskStatus.SUCCEEDED, 0), states.get(TaskStatus.FAILED, 0)
    pending = max(0, tasks - running - succeeded - failed)
    return Counts(pending, running, succeeded, failed)


def succeeded_tasks(
    job: JobRecord, batch_job: BatchJob, universe: Iterable[str | None], done: frozenset[str]
) -> int:
    """Count the tasks of a Batch job of which every item is `done`; one unknown (None) isn't."""
    slices = job.slices
    undone = {slices.task_of(index) for index, item in enumerate(universe) if item not in done}
    return sum(task not in undone for task, _ in batch_job.task_ids)


def status_of(job: JobRecord, counts: Counts) -> Status:
    """Return the status of a job that has not ended."""
    return Status.RUNNING if counts.started or job.is_follow_up else job.status
