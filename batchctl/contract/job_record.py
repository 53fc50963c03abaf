"""JOB, the record of a job: written by the functions, read by them and by `logs` and `why`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from batchctl.contract.batch_jobs import (
    MAX_CHILDREN,
    BatchJob,
    BatchJobSpec,
    split_into_batch_jobs,
    tasks_for,
)
from batchctl.contract.control import AS_CONFIGURED, Overrides
from batchctl.contract.fields import MAX_COUNT, MAX_EPOCH_S, MAX_SECONDS, Fields
from batchctl.contract.limits import JOB_ID, MAX_ITEMS, MAX_RUNS
from batchctl.contract.retention import expiry_attribute
from batchctl.contract.statuses import Status
from batchctl.contract.table import AttributeValue, Item, flag, key, number, text

MAX_EARLIER_BATCH_JOBS = 1_000
"""The latest of them are kept: an entry takes some 90 bytes of the 400 KB that an item may have."""

BATCH_JOB_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


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
class Reclaims:
    """How often hosts were taken away from the tasks of a job, and the seconds that it cost."""

    count: int = 0
    seconds: float = 0.0


NO_RECLAIMS = Reclaims()


@dataclass(frozen=True)
class JobRecord:
    """The JOB item. `succeeded` and `failed` count tasks and are `None` until the job has ended.

    A run from the second on works on `run_items` items, else that is `None`; tasks and Batch jobs
    are those of the run. `queued_at` is when the run was made. Of the first `failures_recorded`
    items of the run it is recorded why they have no result. The table calls a run `attempt`, as
    the API does, and what is recorded of its failures `explained`.
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
    run: int = 1
    run_items: int | None = None
    earlier_batch_jobs: tuple[BatchJob, ...] = ()
    overrides: Overrides = AS_CONFIGURED
    queued_at: str | None = None
    failures_recorded: int = 0
    reclaims: Reclaims | None = None
    expires_at: int | None = None

    @property
    def items_to_do(self) -> int:
        """How many items the run works on."""
        return self.items if self.run_items is None else self.run_items

    @property
    def tasks(self) -> int:
        """How many tasks the items of the run make: the last one may have fewer items."""
        return tasks_for(self.items_to_do, self.items_per_task)

    @property
    def batch_job_specs(self) -> list[BatchJobSpec]:
        """The Batch jobs that the run is split into, whether or not they are submitted."""
        return split_into_batch_jobs(self.job_id, self.run, self.tasks)


def new_item(job: JobRecord) -> Item:
    """Return the JOB item of a job that is being received, in DynamoDB's form."""
    return {
        **key(job.job_id),
        **expiry_attribute(job.expires_at),
        "status": text(job.status),
        "created_at": text(job.created_at),
        "items": number(job.items),
        "items_per_task": number(job.items_per_task),
        "tasks": number(job.tasks),
        "content_hash": text(job.content_hash),
        "parameters": text(job.parameters),
    }


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
        run=_number(fields, "attempt", MAX_RUNS) or 1,
        run_items=_number(fields, "attempt_items", items),
        earlier_batch_jobs=_batch_jobs(fields, "earlier_batch_jobs", MAX_EARLIER_BATCH_JOBS),
        overrides=_overrides(fields),
        queued_at=_timestamp(fields, "queued_at"),
        failures_recorded=_number(fields, "explained") or 0,
        reclaims=_reclaims(fields),
        expires_at=_number(fields, "expires_at", MAX_EPOCH_S),
    )
    most = len(job.batch_job_specs)
    return replace(job, batch_jobs=_batch_jobs(fields, "batch_jobs", most))


def status_in(fields: Fields) -> Status:
    """Read the attribute `status` of a job; raises MalformedItemError."""
    found = fields.text("status")
    if found not in set(Status):
        raise fields.malformed("status")
    return Status(found)


def batch_jobs_value(batch_jobs: Sequence[BatchJob]) -> AttributeValue:
    """Return the attribute `batch_jobs` in DynamoDB's form."""
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


def overrides_value(overrides: Overrides) -> AttributeValue:
    """Return the attribute `overrides` in DynamoDB's form."""
    value = {"on_demand": flag(overrides.on_demand)}
    if overrides.memory_mib is not None:
        value["memory_mib"] = number(overrides.memory_mib)
    return {"M": value}


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
        fields.whole("tally_succeeded", MAX_COUNT),
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
    return (
        None if count is None else Reclaims(count, fields.decimal("reclaim_seconds", MAX_SECONDS))
    )


def _timestamp(fields: Fields, name: str) -> str | None:
    return fields.timestamp(name) if fields.has(name) else None


def _number(fields: Fields, name: str, most: int = MAX_COUNT) -> int | None:
    return fields.whole(name, most) if fields.has(name) else None
