"""What the job table holds for a job: its keys, its statuses and the JOB record.

The table has the partition key `job_id` and the sort key `item`. A job is made of the items

    JOB             the record below: one for a job
    UNIVERSE#<n>    `items`, a list of strings: a chunk of the universe (module `universe`)
    RESULT#<item>   `status`, `result` or `error`, `attempts`, `seconds` (written by the container)

The sparse index `by_created_at` (partition key `listing`, sort key `created_at`) has the accepted
jobs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

JOB = "JOB"
RESULT_PREFIX = "RESULT#"
LISTING = "JOB"
INDEX = "by_created_at"

MAX_CHILDREN = 10_000
"""Children of one array job (AWS Batch API reference, ArrayProperties: size 2 to 10,000)."""


class Status(StrEnum):
    """Where a job stands; RECEIVING is known to the receiver and the splitter only."""

    RECEIVING = "RECEIVING"
    QUEUED = "QUEUED"
    SUBMITTED = "SUBMITTED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


FINAL = frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELLED})


@dataclass(frozen=True)
class Part:
    """A part of a job that is to be one Batch job of that name."""

    name: str
    first_task: int
    tasks: int


@dataclass(frozen=True)
class BatchJob:
    """A job in AWS Batch: the tasks `first_task` to `first_task + tasks - 1` of our job."""

    id: str
    first_task: int
    tasks: int


@dataclass(frozen=True)
class Tally:
    """How many results up to and including the item `after` say SUCCEEDED."""

    after: str
    succeeded: int


@dataclass(frozen=True)
class JobRecord:
    """The JOB item. `succeeded` and `failed` count tasks and are `None` until the job has ended."""

    job_id: str
    status: Status
    created_at: str
    items: int
    items_per_task: int
    content_hash: str
    parameters: str = "{}"
    submitted_at: str | None = None
    finished_at: str | None = None
    batch_jobs: tuple[BatchJob, ...] = ()
    succeeded: int | None = None
    failed: int | None = None
    tally: Tally | None = None

    @property
    def tasks(self) -> int:
        """How many tasks the items make: the last one may have fewer items."""
        return -(-self.items // self.items_per_task)


def key(job_id: str, item: str = JOB) -> dict[str, AttributeValueTypeDef]:
    """Give the primary key of an item of the job, in DynamoDB's form."""
    return {"job_id": {"S": job_id}, "item": {"S": item}}


def text(value: str) -> AttributeValueTypeDef:
    """Give a string in DynamoDB's form."""
    return {"S": value}


def number(value: int) -> AttributeValueTypeDef:
    """Give a whole number in DynamoDB's form."""
    return {"N": str(value)}


def timestamp(moment: float) -> str:
    """Write seconds since the epoch as ISO 8601 in UTC with microseconds and `Z`."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def seconds(moment: str) -> float:
    """Read what `timestamp` wrote as seconds since the epoch."""
    return datetime.fromisoformat(moment).timestamp()


def new_item(job: JobRecord) -> dict[str, AttributeValueTypeDef]:
    """Give the JOB item of a job that is being received, in DynamoDB's form."""
    return {
        **key(job.job_id),
        "status": text(job.status),
        "created_at": text(job.created_at),
        "items": number(job.items),
        "items_per_task": number(job.items_per_task),
        "tasks": number(job.tasks),
        "content_hash": text(job.content_hash),
        "parameters": text(job.parameters),
    }


def from_item(item: Mapping[str, AttributeValueTypeDef]) -> JobRecord:
    """Read a JOB item in DynamoDB's form."""
    return JobRecord(
        job_id=item["job_id"]["S"],
        status=Status(item["status"]["S"]),
        created_at=item["created_at"]["S"],
        items=int(item["items"]["N"]),
        items_per_task=int(item["items_per_task"]["N"]),
        content_hash=item["content_hash"]["S"],
        parameters=item["parameters"]["S"],
        submitted_at=_text(item, "submitted_at"),
        finished_at=_text(item, "finished_at"),
        batch_jobs=tuple(
            _batch_job(entry["M"]) for entry in item.get("batch_jobs", {}).get("L", ())
        ),
        succeeded=_number(item, "succeeded"),
        failed=_number(item, "failed"),
        tally=_tally(item),
    )


def batch_jobs_value(batch_jobs: tuple[BatchJob, ...]) -> AttributeValueTypeDef:
    """Give the attribute `batch_jobs` in DynamoDB's form."""
    return {
        "L": [
            {
                "M": {
                    "id": text(job.id),
                    "first_task": number(job.first_task),
                    "tasks": number(job.tasks),
                }
            }
            for job in batch_jobs
        ]
    }


def cut(job: JobRecord) -> list[Part]:
    """Cut a job into parts, in the order of its tasks; a part's name follows from its place."""
    return [
        Part(f"{job.job_id}-{number}", first, min(MAX_CHILDREN, job.tasks - first))
        for number, first in enumerate(range(0, job.tasks, MAX_CHILDREN))
    ]


def _batch_job(entry: Mapping[str, AttributeValueTypeDef]) -> BatchJob:
    return BatchJob(entry["id"]["S"], int(entry["first_task"]["N"]), int(entry["tasks"]["N"]))


def _tally(item: Mapping[str, AttributeValueTypeDef]) -> Tally | None:
    after, counted = _text(item, "tally_after"), _number(item, "tally_succeeded")
    return None if after is None or counted is None else Tally(after, counted)


def _text(item: Mapping[str, AttributeValueTypeDef], name: str) -> str | None:
    return item[name]["S"] if name in item else None


def _number(item: Mapping[str, AttributeValueTypeDef], name: str) -> int | None:
    return int(item[name]["N"]) if name in item else None
