"""The Batch jobs of a job: how it is split into them, what they are called, which task is where.

A task works on a slice of a run's items and is a child of an array job, or a plain job where there
is only one. What names a Batch job and what reads the name stand side by side here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from batchctl.contract.slices import Part, Slices

MAX_CHILDREN = 10_000
"""Children of one array job (AWS Batch API reference, ArrayProperties: size 2 to 10,000)."""

IDS_PER_CALL = 100
"""Jobs of one DescribeJobs (AWS Batch API reference, DescribeJobs)."""

CANCELLED = "cancelled by batchctl"
"""The reason that we give to TerminateJob: the children of a cancelled job say it."""

ENDED = "ended by batchctl"
"""The same for a job that was ended by a limit of its own, as too many items had failed."""

DOUBLED = "ended by batchctl: submitted twice"
"""The same for a Batch job of which the record has another one."""

_NAME = re.compile(r"(?P<job_id>.+)-(?P<place>[0-9]+)(?:-r(?P<run>[0-9]+))?")


@dataclass(frozen=True)
class BatchJob:
    """A job in AWS Batch: the tasks `first_task` to `first_task + tasks - 1` of a run."""

    id: str
    first_task: int
    tasks: int

    def task_id(self, task: int) -> str | None:
        """Return the id in Batch of a task of the run, None when it is another Batch job's.

        A child's is its array's with the index behind a colon (AWS Batch User Guide, "Array jobs").
        """
        if not self.first_task <= task < self.first_task + self.tasks:
            return None
        return self.id if self.tasks == 1 else f"{self.id}:{task - self.first_task}"

    @property
    def task_ids(self) -> Iterator[tuple[int, str]]:
        """Each task and its id in Batch, in order."""
        for task in range(self.first_task, self.first_task + self.tasks):
            yield task, self.task_id(task) or self.id


@dataclass(frozen=True)
class BatchJobSpec:
    """A part of a run that is to be one Batch job of that name.

    Its first task begins at `first_item` of the run's universe, and each has `items_per_task`.
    """

    name: str
    first_task: int
    tasks: int
    first_item: int
    items_per_task: int

    def submitted_as(self, batch_job_id: str) -> BatchJob:
        """Return the Batch job that it became."""
        return BatchJob(batch_job_id, self.first_task, self.tasks)


@dataclass(frozen=True)
class BatchJobName:
    """What the name of a Batch job says: whose it is, of which run, which one of it from 0 on.

    `<job_id>-<place>`, and `<job_id>-<place>-r<run>` from the second run on: read from the end, no
    two jobs have the same, whatever their ids.
    """

    job_id: str
    place: int
    run: int = 1

    def __str__(self) -> str:
        """Return the name."""
        suffix = "" if self.run == 1 else f"-r{self.run}"
        return f"{self.job_id}-{self.place}{suffix}"

    @classmethod
    def parse(cls, name: str) -> BatchJobName | None:
        """Read a name; None for one that isn't ours."""
        found = _NAME.fullmatch(name)
        if found is None:
            return None
        return cls(found["job_id"], int(found["place"]), int(found["run"] or 1))


def split_into_batch_jobs(job_id: str, run: int, slices: Slices) -> list[BatchJobSpec]:
    """Split the tasks of a run into Batch jobs, in the order of the tasks."""
    return [
        BatchJobSpec(
            str(BatchJobName(job_id, place, run)),
            part.first_task,
            part.tasks,
            part.first_item,
            part.items_per_task,
        )
        for place, part in enumerate(_at_most_an_array(slices))
    ]


def _at_most_an_array(slices: Slices) -> Iterator[Part]:
    """Yield the parts of a run, none with more tasks than an array job has children."""
    for part in slices.parts:
        for first in range(0, part.tasks, MAX_CHILDREN):
            yield Part(
                part.first_task + first,
                min(MAX_CHILDREN, part.tasks - first),
                part.first_item + first * part.items_per_task,
                part.items_per_task,
            )


def task_id(batch_jobs: Sequence[BatchJob], task: int) -> str | None:
    """Return the id in Batch of a task; None when it was never submitted."""
    found = (batch_job.task_id(task) for batch_job in batch_jobs)
    return next((batch_id for batch_id in found if batch_id is not None), None)
