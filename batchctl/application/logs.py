"""The logs of one job: of all its tasks, or of those that work on one item."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from batchctl.aws.session import Aws
from batchctl.contract.statuses import FINAL
from batchctl.errors import UsageError
from batchctl.jobs.logs.attempts import describe
from batchctl.jobs.logs.reader import Line, LogReader
from batchctl.jobs.logs.runner_lines import OfItem
from batchctl.jobs.logs.runner_lines import read as read_line
from batchctl.jobs.logs.tail import Submitted, Tail
from batchctl.jobs.record import (
    BatchJob,
    Record,
    Task,
    earlier_batch_jobs,
    read_record,
    task_of_item,
)
from batchctl.jobs.resources import JobResources


def logs_of(aws: Aws, resources: JobResources, job_id: str, item: str | None) -> JobLogs:
    """Return the logs of a job, of the tasks of `item` alone when it is given; JobNotFound."""
    return JobLogs(aws, resources, read_record(aws, resources.table, job_id), item)


@dataclass(frozen=True)
class JobLogs:
    """The job whose lines are wanted, all of them or those of the tasks of `item`."""

    aws: Aws
    resources: JobResources
    record: Record
    item: str | None

    @property
    def ended(self) -> bool:
        """Whether the job had ended when it was read: nothing more will be written."""
        return self.record.status in FINAL

    def written(self, since_ms: int | None) -> Iterator[Line]:
        """Yield what was written so far, the attempts at the job in their order."""
        batch_jobs = (*earlier_batch_jobs(self.aws, self.record), *self.record.batch_jobs)
        reader = LogReader(self.aws, self.resources.log_group)
        children = describe(self.aws, self.tasks(batch_jobs))
        attempts = (each for child in children for each in child.attempts)
        yield from self._read(reader.read(attempts, since_ms))

    def follow(self, since_ms: int | None) -> Iterator[Line]:
        """Yield what is written from now on, until the job has ended.

        Also by what is submitted later: further Batch jobs of a large job, and runs of what failed.
        """
        submissions = _Submissions(self)
        tasks = submissions.new().tasks
        reader = LogReader(self.aws, self.resources.log_group)
        tail = Tail(reader, tasks, since_ms, submissions.new)
        yield from self._read(tail.lines(self.aws.clock.pause))

    def _read(self, lines: Iterator[Line]) -> Iterator[Line]:
        if self.item is None:
            return map(read_line, lines)
        return OfItem(self.item, self.record.job_id).keep(lines)

    def tasks(self, batch_jobs: Sequence[BatchJob]) -> Iterator[Task]:
        """Yield the tasks of these Batch jobs; raises UsageError when none of them has the item."""
        if self.item is None:
            yield from (task for batch_job in batch_jobs for task in batch_job.children)
            return
        runs = {batch_job.run for batch_job in batch_jobs}
        wanted = {run: self.task_of_item(run) for run in runs}
        if wanted and not any(number is not None for number in wanted.values()):
            raise UsageError(
                f"could not find item `{self.item}`: job `{self.record.job_id}` has no such item"
            )
        for batch_job in batch_jobs:
            number = wanted[batch_job.run]
            yield from (task for task in batch_job.children if task.number == number)

    def task_of_item(self, run: int) -> int | None:
        """Return the task that has the item in a run of the job; None when it isn't part of it."""
        return task_of_item(self.aws, self.resources.table, self.record, run, self.item or "")


@dataclass
class _Submissions:
    """What is submitted of a job, as its record tells it: each Batch job once."""

    logs: JobLogs
    _seen: set[str] = field(default_factory=set)

    def new(self) -> Submitted:
        """Read the record, and return the tasks of the Batch jobs that are new in it."""
        logs = self.logs
        record = read_record(logs.aws, logs.resources.table, logs.record.job_id)
        new = [each for each in record.batch_jobs if each.id not in self._seen]
        first = not self._seen
        self._seen.update(each.id for each in new)
        ended = record.status in FINAL
        whole = not ended and sum(each.tasks for each in record.batch_jobs) >= record.tasks
        return Submitted(list(self._tasks(record, new, first=first)), ended, whole)

    def _tasks(self, record: Record, new: Sequence[BatchJob], *, first: bool) -> Iterator[Task]:
        logs = dataclasses.replace(self.logs, record=record)
        if first or logs.item is None:
            yield from logs.tasks(new)
            return
        # A later run has what the one before it left to do: the item need not be part of it.
        numbers = {run: logs.task_of_item(run) for run in {each.run for each in new}}
        for batch_job in new:
            number = numbers[batch_job.run]
            yield from (task for task in batch_job.children if task.number == number)
