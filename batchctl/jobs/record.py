"""A job's record in the table, as far as logs and `why` need it: its Batch jobs, an item's task.

The functions own the record (`handlers/record.py` says what stands in it); here it is only read,
with the caller's own permissions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from batchctl.aws.session import Aws
from batchctl.jobs.contract import check_job_id
from batchctl.jobs.errors import JobNotFound

IDS_PER_CALL = 100
"""Jobs of one DescribeJobs (AWS Batch API reference, DescribeJobs)."""


@dataclass(frozen=True)
class Task:
    """A task of a job: its number, its id in Batch, and the attempt at the job that it is of."""

    number: int
    batch_id: str
    job_attempt: int


@dataclass(frozen=True)
class BatchJob:
    """A job in AWS Batch: the tasks `first_task` to `first_task + tasks - 1` of an attempt."""

    id: str
    first_task: int
    tasks: int
    job_attempt: int

    @property
    def children(self) -> Iterator[Task]:
        """The tasks, in order: an array's child is known by its parent's id and the index."""
        for index in range(self.tasks):
            batch_id = self.id if self.tasks == 1 else f"{self.id}:{index}"
            yield Task(self.first_task + index, batch_id, self.job_attempt)


@dataclass(frozen=True)
class Record:
    """A job as the table has it.

    `earlier` are the Batch jobs of the attempts before this one: `earlier_batch_jobs` tells which.
    """

    job_id: str
    status: str
    attempt: int
    items_per_task: int
    batch_jobs: tuple[BatchJob, ...]
    earlier: tuple[BatchJob, ...]


def read_record(aws: Aws, table: str, job_id: str) -> Record:
    """Read the record of a job as of now; raises InvalidJob and JobNotFound."""
    check_job_id(job_id, "read the job")
    answer = aws.dynamodb.get_item(TableName=table, Key=_key(job_id, "JOB"), ConsistentRead=True)
    item: Mapping[str, Any] | None = answer.get("Item")
    if item is None:
        raise JobNotFound(job_id)
    attempt = int(item["attempt"]["N"]) if "attempt" in item else 1
    return Record(
        job_id=job_id,
        status=item["status"]["S"],
        attempt=attempt,
        items_per_task=int(item["items_per_task"]["N"]),
        batch_jobs=_batch_jobs(item, "batch_jobs", attempt),
        earlier=_batch_jobs(item, "earlier_batch_jobs", 1),
    )


def earlier_batch_jobs(aws: Aws, record: Record) -> tuple[BatchJob, ...]:
    """Return the Batch jobs of the attempts before the present one, as far as Batch knows them.

    Its name says of which one it is: `<job_id>-<n>`, from the second on `<job_id>-r<attempt>-<n>`.
    """
    names: dict[str, str] = {}
    ids = [batch_job.id for batch_job in record.earlier]
    for start in range(0, len(ids), IDS_PER_CALL):
        answer = aws.batch.describe_jobs(jobs=ids[start : start + IDS_PER_CALL])
        names |= {detail["jobId"]: detail["jobName"] for detail in answer["jobs"]}
    return tuple(
        replace(each, job_attempt=_attempt_in(names[each.id].removeprefix(record.job_id)))
        for each in record.earlier
        if each.id in names
    )


def _attempt_in(rest: str) -> int:
    found = re.fullmatch(r"-r(\d+)-\d+", rest)
    return int(found[1]) if found else 1


def task_of(aws: Aws, table: str, record: Record, job_attempt: int, item: str) -> int | None:
    """Return the task that works on an item in an attempt at the job, None when none does.

    Reads the universe of the attempt up to the item: about 1 MB of it with each call.
    """
    for place, each in enumerate(_universe(aws, table, record.job_id, job_attempt)):
        if each == item:
            return place // record.items_per_task
    return None


def _universe(aws: Aws, table: str, job_id: str, job_attempt: int) -> Iterator[str]:
    prefix = "UNIVERSE#" if job_attempt == 1 else f"ATTEMPT#{job_attempt:02}#UNIVERSE#"
    pages = aws.dynamodb.get_paginator("query").paginate(
        TableName=table,
        KeyConditionExpression="job_id = :job_id AND begins_with(#item, :prefix)",
        ExpressionAttributeNames={"#item": "item", "#items": "items"},
        ExpressionAttributeValues={":job_id": {"S": job_id}, ":prefix": {"S": prefix}},
        ProjectionExpression="#items",
    )
    for page in pages:
        for chunk in page["Items"]:
            yield from (item["S"] for item in chunk["items"]["L"])


def _batch_jobs(item: Mapping[str, Any], name: str, job_attempt: int) -> tuple[BatchJob, ...]:
    entries = [entry["M"] for entry in item.get(name, {}).get("L", [])]
    return tuple(
        BatchJob(
            each["id"]["S"], int(each["first_task"]["N"]), int(each["tasks"]["N"]), job_attempt
        )
        for each in entries
    )


def _key(job_id: str, item: str) -> dict[str, Any]:
    return {"job_id": {"S": job_id}, "item": {"S": item}}
