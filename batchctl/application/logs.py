"""The logs of one job: of all its tasks, or of those that work on one item."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from batchctl.aws.session import Aws
from batchctl.contract.statuses import FINAL
from batchctl.errors import UsageError
from batchctl.jobs.logs.attempts import describe
from batchctl.jobs.logs.reader import Line, LogReader
from batchctl.jobs.logs.tail import Tail
from batchctl.jobs.record import (
    BatchJob,
    Record,
    Task,
    earlier_batch_jobs,
    read_record,
    task_of_item,
)
from batchctl.jobs.resources import JobResources

SUBMITTED_WITHIN_POLL_S = 2.0


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
        yield from reader.read((each for child in children for each in child.attempts), since_ms)

    def follow(self, since_ms: int | None) -> Iterator[Line]:
        """Yield what is written, until the tasks of the present attempt have ended."""
        pause = self.aws.clock.pause
        record = self._started(pause)
        tasks = dataclasses.replace(self, record=record).tasks(record.batch_jobs)
        yield from Tail(LogReader(self.aws, self.resources.log_group), tasks, since_ms).lines(pause)

    def _started(self, pause: Callable[[float], object]) -> Record:
        """Return the record of the job once AWS Batch has something of it."""
        record = self.record
        while not record.batch_jobs:
            pause(SUBMITTED_WITHIN_POLL_S)
            record = read_record(self.aws, self.resources.table, record.job_id)
        return record

    def tasks(self, batch_jobs: Sequence[BatchJob]) -> Iterator[Task]:
        """Yield the tasks of these Batch jobs; raises UsageError when none of them has the item."""
        if self.item is None:
            yield from (task for batch_job in batch_jobs for task in batch_job.children)
            return
        runs = {batch_job.run for batch_job in batch_jobs}
        wanted = {run: self._task_of_item(run) for run in runs}
        if wanted and not any(number is not None for number in wanted.values()):
            raise UsageError(
                f"could not find item `{self.item}`: job `{self.record.job_id}` hasn't got it"
            )
        for batch_job in batch_jobs:
            number = wanted[batch_job.run]
            yield from (task for task in batch_job.children if task.number == number)

    def _task_of_item(self, run: int) -> int | None:
        return task_of_item(self.aws, self.resources.table, self.record, run, self.item or "")
