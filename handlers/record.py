"""What the job table holds for a job: its keys, its statuses and the JOB record.

The table has the partition key `job_id` and the sort key `item`. A job is made of the items

    JOB                         the record below: one for a job
    UNIVERSE#<n>                `items`, a list of strings: a chunk of the universe
    ATTEMPT#<a>#UNIVERSE#<n>    the same of another attempt at the job: what was left to do
    RESULT#<item>               `status`; `result`, or `error`, `reason` and `exit_code`;
                                `attempts`, `seconds` (by the container, else by the tracker)
    ATTEMPTS#<a>#<task>         `reclaims`, `lost_seconds` of a task whose machine was taken away

<n> and <task> have 8 digits, <a>, the attempt at the job, has 2.

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
    """How many results up to and including the item `after` there are, and say SUCCEEDED.

    When it is `complete`, `after` means nothing.
    """

    after: str
    succeeded: int
    recorded: int = 0
    complete: bool = False


@dataclass(frozen=True)
class Overrides:
    """What an attempt has that differs from the settings; `memory_mib` None is as they say."""

    memory_mib: int | None = None
    on_demand: bool = False


AS_CONFIGURED = Overrides()


@dataclass(frozen=True)
class Reclaims:
    """How often machines were taken away from the tasks of a job, and the seconds that it cost."""

    count: int = 0
    seconds: float = 0.0


NO_RECLAIMS = Reclaims()


@dataclass(frozen=True)
class JobRecord:
    """The JOB item. `succeeded` and `failed` count tasks and are `None` until the job has ended.

    An attempt from the second on works on `attempt_items` items, else that is `None`; tasks and
    Batch jobs are those of the attempt. `queued_at` is when the attempt was made. Of the first
    `explained` items of the attempt it is recorded why they have no result.
    """

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
    attempt: int = 1
    attempt_items: int | None = None
    earlier_batch_jobs: tuple[BatchJob, ...] = ()
    overrides: Overrides = AS_CONFIGURED
    queued_at: str | None = None
    explained: int = 0
    reclaims: Reclaims | None = None

    @property
    def items_to_do(self) -> int:
        """How many items the attempt works on."""
        return self.items if self.attempt_items is None else self.attempt_items

    @property
    def tasks(self) -> int:
        """How many tasks the attempt's items make: the last one may have fewer items."""
        return -(-self.items_to_do // self.items_per_task)


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
        batch_jobs=_batch_jobs(item, "batch_jobs"),
        succeeded=_number(item, "succeeded"),
        failed=_number(item, "failed"),
        tally=_tally(item),
        attempt=_number(item, "attempt") or 1,
        attempt_items=_number(item, "attempt_items"),
        earlier_batch_jobs=_batch_jobs(item, "earlier_batch_jobs"),
        overrides=_overrides(item),
        queued_at=_text(item, "queued_at"),
        explained=_number(item, "explained") or 0,
        reclaims=_reclaims(item),
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


def overrides_value(overrides: Overrides) -> AttributeValueTypeDef:
    """Give the attribute `overrides` in DynamoDB's form."""
    value: dict[str, AttributeValueTypeDef] = {"on_demand": {"BOOL": overrides.on_demand}}
    if overrides.memory_mib is not None:
        value["memory_mib"] = number(overrides.memory_mib)
    return {"M": value}


def cut(job: JobRecord) -> list[Part]:
    """Cut a job into parts, in the order of its tasks; a part's name follows from its place.

    `<job_id>-<k>`, and `<job_id>-<k>-r<attempt>` of another attempt: read from the end, no two
    jobs have the same, whatever their ids.
    """
    suffix = "" if job.attempt == 1 else f"-r{job.attempt}"
    return [
        Part(f"{job.job_id}-{number}{suffix}", first, min(MAX_CHILDREN, job.tasks - first))
        for number, first in enumerate(range(0, job.tasks, MAX_CHILDREN))
    ]


def _batch_jobs(item: Mapping[str, AttributeValueTypeDef], name: str) -> tuple[BatchJob, ...]:
    return tuple(_batch_job(entry["M"]) for entry in item.get(name, {}).get("L", ()))


def _batch_job(entry: Mapping[str, AttributeValueTypeDef]) -> BatchJob:
    return BatchJob(entry["id"]["S"], int(entry["first_task"]["N"]), int(entry["tasks"]["N"]))


def _tally(item: Mapping[str, AttributeValueTypeDef]) -> Tally | None:
    after, counted = _text(item, "tally_after"), _number(item, "tally_succeeded")
    if after is None or counted is None:
        return None
    complete = "tally_complete" in item and item["tally_complete"]["BOOL"]
    return Tally(after, counted, _number(item, "tally_recorded") or 0, complete)


def _overrides(item: Mapping[str, AttributeValueTypeDef]) -> Overrides:
    value = item.get("overrides", {}).get("M", {})
    return Overrides(_number(value, "memory_mib"), value.get("on_demand", {}).get("BOOL", False))


def _reclaims(item: Mapping[str, AttributeValueTypeDef]) -> Reclaims | None:
    count = _number(item, "reclaims")
    return None if count is None else Reclaims(count, float(item["reclaim_seconds"]["N"]))


def _text(item: Mapping[str, AttributeValueTypeDef], name: str) -> str | None:
    return item[name]["S"] if name in item else None


def _number(item: Mapping[str, AttributeValueTypeDef], name: str) -> int | None:
    return int(item[name]["N"]) if name in item else None
