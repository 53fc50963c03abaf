"""What the job table holds for a job: its keys, its statuses and the JOB record.

The table has the partition key `job_id` and the sort key `item`. A job is made of the items

    JOB                         the record below: one for a job
    UNIVERSE#<n>                `items`, a list of strings: a chunk of the universe
    ATTEMPT#<a>#UNIVERSE#<n>    the same of another attempt at the job: what was left to do
    RESULT#<item>               `status`; `result`, or `error`, `reason` and `exit_code`;
                                `attempts`, `seconds` (by the container, else by the tracker)
    ATTEMPTS#<a>#<task>         `reclaims`, `lost_seconds` of a task whose machine was taken away

Where `job_table.keep_days` is set, each has `expires_at` (see `keeping`).

<n> and <task> have 8 digits, <a>, the attempt at the job, has 2.

The sparse index `by_created_at` (partition key `listing`, sort key `created_at`) has the accepted
jobs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from handlers.malformed import Fields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

JOB = "JOB"
RESULT_PREFIX = "RESULT#"
LISTING = "JOB"
INDEX = "by_created_at"

JOB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
MAX_ITEMS = 1_000_000
MAX_ITEM_BYTES = 1024 - len(RESULT_PREFIX)
"""An item is part of a sort key, which has at most 1,024 bytes (DynamoDB quotas)."""

MOST_ATTEMPTS = 99
"""An attempt has two digits in the keys of the table."""

MOST_EARLIER_BATCH_JOBS = 1_000
"""The latest of them are kept: an entry takes some 90 bytes of the 400 KB that an item may have."""

BATCH_JOB_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
LONGEST_S = 1e12
MOST_COUNTED = 10**9
MOST_EPOCH_S = 10**11
"""Bounds of what is plausible, far beyond what happens: what is above is no number of ours."""

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
    expires_at: int | None = None

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
        **expiry_value(job.expires_at),
        "status": text(job.status),
        "created_at": text(job.created_at),
        "items": number(job.items),
        "items_per_task": number(job.items_per_task),
        "tasks": number(job.tasks),
        "content_hash": text(job.content_hash),
        "parameters": text(job.parameters),
    }


def expiry_value(expires_at: int | None) -> dict[str, AttributeValueTypeDef]:
    """Give the attribute by which DynamoDB deletes an item; none for one that is kept for ever."""
    return {} if expires_at is None else {"expires_at": number(expires_at)}


def from_item(item: Mapping[str, Any]) -> JobRecord:
    """Read a JOB item in DynamoDB's form; raises MalformedItemError."""
    fields = Fields(item)
    items = fields.whole("items", MAX_ITEMS, least=1)
    job = JobRecord(
        job_id=fields.text("job_id", JOB_ID),
        status=status_in(fields),
        created_at=fields.timestamp("created_at"),
        items=items,
        items_per_task=fields.whole("items_per_task", MAX_ITEMS, least=1),
        content_hash=fields.text("content_hash"),
        parameters=fields.text("parameters"),
        submitted_at=_timestamp(fields, "submitted_at"),
        finished_at=_timestamp(fields, "finished_at"),
        succeeded=_number(fields, "succeeded"),
        failed=_number(fields, "failed"),
        tally=_tally(fields),
        attempt=_number(fields, "attempt", MOST_ATTEMPTS) or 1,
        attempt_items=_number(fields, "attempt_items", items),
        earlier_batch_jobs=_batch_jobs(fields, "earlier_batch_jobs", MOST_EARLIER_BATCH_JOBS),
        overrides=_overrides(fields),
        queued_at=_timestamp(fields, "queued_at"),
        explained=_number(fields, "explained") or 0,
        reclaims=_reclaims(fields),
        expires_at=_number(fields, "expires_at", MOST_EPOCH_S),
    )
    parts = -(-job.tasks // MAX_CHILDREN)
    return replace(job, batch_jobs=_batch_jobs(fields, "batch_jobs", parts))


def status_in(fields: Fields) -> Status:
    """Read the attribute `status` of a job; raises MalformedItemError."""
    found = fields.text("status")
    if found not in set(Status):
        raise fields.malformed("status")
    return Status(found)


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


def _batch_jobs(fields: Fields, name: str, most: int) -> tuple[BatchJob, ...]:
    if not fields.has(name):
        return ()
    return tuple(
        BatchJob(
            entry.text("id", BATCH_JOB_ID),
            entry.whole("first_task", MAX_ITEMS),
            entry.whole("tasks", MAX_CHILDREN, least=1),
        )
        for entry in fields.maps(name, most)
    )


def _tally(fields: Fields) -> Tally | None:
    if not fields.has("tally_after") or not fields.has("tally_succeeded"):
        return None
    return Tally(
        fields.text("tally_after"),
        fields.whole("tally_succeeded", MOST_COUNTED),
        _number(fields, "tally_recorded") or 0,
        fields.has("tally_complete") and fields.flag("tally_complete"),
    )


def _overrides(fields: Fields) -> Overrides:
    if not fields.has("overrides"):
        return AS_CONFIGURED
    inside = fields.inside("overrides")
    on_demand = inside.has("on_demand") and inside.flag("on_demand")
    return Overrides(_number(inside, "memory_mib"), on_demand)


def _reclaims(fields: Fields) -> Reclaims | None:
    count = _number(fields, "reclaims")
    return None if count is None else Reclaims(count, fields.decimal("reclaim_seconds", LONGEST_S))


def _timestamp(fields: Fields, name: str) -> str | None:
    return fields.timestamp(name) if fields.has(name) else None


def _number(fields: Fields, name: str, most: int = MOST_COUNTED) -> int | None:
    return fields.whole(name, most) if fields.has(name) else None
