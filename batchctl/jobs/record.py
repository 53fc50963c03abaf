"""A job's record in the table, as far as logs and `why` need it: its Batch jobs, an item's task.

The functions own the record (`batchctl.contract` says what stands in it); here it is only read,
with the caller's own permissions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from batchctl.aws.session import Aws
from batchctl.contract import batch_jobs as contract
from batchctl.contract import chunks
from batchctl.contract import table as keys
from batchctl.contract.batch_jobs import IDS_PER_CALL, BatchJobName
from batchctl.contract.fields import MalformedItemError
from batchctl.contract.job_record import from_item
from batchctl.contract.limits import MAX_ITEMS
from batchctl.contract.slices import Slices
from batchctl.errors import BatchctlError
from batchctl.jobs.api.new_task import check_job_id
from batchctl.jobs.errors import JobNotFound

__all__ = [
    "IDS_PER_CALL",
    "BatchJob",
    "Record",
    "Task",
    "earlier_batch_jobs",
    "read_record",
    "task_of_item",
]


@dataclass(frozen=True)
class Task:
    """A task of a job: its number, its id in Batch, and the run of the job that it is of."""

    number: int
    batch_id: str
    run: int


@dataclass(frozen=True)
class BatchJob(contract.BatchJob):
    """A job in AWS Batch, and the run of our job that it is of."""

    run: int = 1

    @property
    def children(self) -> Iterator[Task]:
        """The tasks, in order."""
        for number, batch_id in self.task_ids:
            yield Task(number, batch_id, self.run)


@dataclass(frozen=True)
class Record:
    """A job as the table has it; `tasks` is how many its present run has.

    `earlier` are the Batch jobs of the runs before this one: `earlier_batch_jobs` tells which.
    """

    job_id: str
    status: str
    run: int
    items_per_task: int
    tasks: int
    batch_jobs: tuple[BatchJob, ...]
    earlier: tuple[BatchJob, ...]
    solo_from: int | None = None

    def slices_of(self, run: int) -> Slices:
        """Return which task of a run has which item, as far as it is known of an earlier run."""
        solo_from = self.solo_from if run == self.run else None
        return Slices(MAX_ITEMS, self.items_per_task, solo_from)


def read_record(aws: Aws, table: str, job_id: str) -> Record:
    """Read the record of a job as of now; raises InvalidJob, JobNotFound, BatchctlError."""
    check_job_id(job_id, "read the job")
    answer = aws.dynamodb.get_item(TableName=table, Key=keys.key(job_id), ConsistentRead=True)
    if "Item" not in answer:
        raise JobNotFound(job_id)
    try:
        job = from_item(answer["Item"])
    except MalformedItemError as error:
        raise BatchctlError(
            f"could not read job `{job_id}`: its record is damaged: {error.why}",
            "submit it under another id",
        ) from error
    return Record(
        job_id=job_id,
        status=job.status,
        run=job.run,
        items_per_task=job.items_per_task,
        tasks=job.tasks,
        batch_jobs=_of_run(job.batch_jobs, job.run),
        earlier=_of_run(job.earlier_batch_jobs, 1),
        solo_from=job.solo_from,
    )


def earlier_batch_jobs(aws: Aws, record: Record) -> tuple[BatchJob, ...]:
    """Return the Batch jobs of the runs before the present one, as far as Batch knows them.

    The name of a Batch job says of which run it is.
    """
    names: dict[str, BatchJobName | None] = {}
    ids = [batch_job.id for batch_job in record.earlier]
    for start in range(0, len(ids), IDS_PER_CALL):
        answer = aws.batch.describe_jobs(jobs=ids[start : start + IDS_PER_CALL])
        names |= {each["jobId"]: BatchJobName.parse(each["jobName"]) for each in answer["jobs"]}
    return tuple(
        replace(each, run=name.run)
        for each in record.earlier
        if (name := names.get(each.id)) is not None
    )


def task_of_item(aws: Aws, table: str, record: Record, run: int, item: str) -> int | None:
    """Return the task that works on an item in a run of the job, None when none does.

    Reads the universe of the run up to the item: about 1 MB of it with each call.
    """
    for index, each in enumerate(_universe(aws, table, record.job_id, run)):
        if each == item:
            return record.slices_of(run).task_of(index)
    return None


def _universe(aws: Aws, table: str, job_id: str, run: int) -> Iterator[str]:
    first, last = keys.chunk_key(0, run), keys.chunk_key(keys.LAST_CHUNK, run)
    pages = aws.dynamodb.get_paginator("query").paginate(
        TableName=table,
        KeyConditionExpression="job_id = :job_id AND #item BETWEEN :first AND :last",
        ExpressionAttributeNames={"#item": "item", "#items": "items", "#packed": "packed"},
        ExpressionAttributeValues={
            ":job_id": keys.text(job_id),
            ":first": keys.text(first),
            ":last": keys.text(last),
        },
        ProjectionExpression="#items, #packed",
    )
    for page in pages:
        for chunk in page["Items"]:
            yield from chunks.entries_in(chunk, keys.ITEMS_PER_CHUNK)[0]


def _of_run(batch_jobs: Sequence[contract.BatchJob], run: int) -> tuple[BatchJob, ...]:
    return tuple(BatchJob(each.id, each.first_task, each.tasks, run) for each in batch_jobs)
