"""JOB, the record of a job: written by the functions, read by them and by `logs` and `why`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from batchctl.contract.batch_jobs import (
    MAX_CHILDREN,
    BatchJob,
    BatchJobSpec,
    split_into_batch_jobs,
)
from batchctl.contract.control import AS_CONFIGURED, Overrides
from batchctl.contract.fields import MAX_COUNT, MAX_EPOCH_S, MAX_SECONDS, Fields
from batchctl.contract.job_options import MAX_PRIORITY, SHARE
from batchctl.contract.limits import JOB_ID, MAX_ITEMS, MAX_PARTS, MAX_RUNS
from batchctl.contract.reasons import Reason
from batchctl.contract.retention import expiry_attribute
from batchctl.contract.slices import Slices
from batchctl.contract.statuses import Status
from batchctl.contract.table import (
    ITEMS_PER_CHUNK,
    LAYOUT,
    AttributeValue,
    Item,
    flag,
    key,
    number,
    results_partition,
    text,
)

MAX_EARLIER_BATCH_JOBS = 1_000
"""The latest of them are kept: an entry takes some 90 bytes of the 400 KB that an item may have."""

MAX_REASONS = 100
"""More than there are."""

BATCH_JOB_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


TOKEN = re.compile(r"[0-9a-f]{32}")
"""What a Batch job of ours carries, so that it is known though the answer to SubmitJob is lost."""

Failures = Mapping[Reason, int]
"""How many items failed for each reason."""


@dataclass(frozen=True)
class Tally:
    """How many results up to and including the item `after` there are, and say SUCCEEDED.

    `failures` counts the others by their reasons. When it is `complete`, `after` means nothing.
    """

    after: str
    succeeded: int
    recorded: int = 0
    complete: bool = False
    failures: Failures = field(default_factory=dict)


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
    are those of the run. Those from `solo_from` on have a task each. `queued_at` is when the run
    was made, `requeued_at` when its message was last sent again. Of the first `failures_recorded`
    items of the run it is recorded why they have no result. The table calls a run `attempt`, as
    the API does, and what is recorded of its failures `explained`.

    `token` is the mark of its Batch jobs; `has_runner` says that its image has our runner; `reason`
    that the job was ended by a limit of its own. `items_succeeded` and `items_failed` are `None`
    until it has ended, and of jobs of earlier versions. `is_follow_up`: nobody has asked for the
    run, it follows by itself. Until `lease_expires_at`, milliseconds since the epoch, somebody may
    be submitting it; until `retry_expires_at` the `retry_owner` may be preparing another run.
    `failed_before` counts the items that failed in earlier runs and aren't in this one. `parts` is
    in how many parts the universe came, until all of them are chunks; so many are `unpacked`. Of
    one that `is_deleting` the rest is gone, or about to go.
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
    layout: int = LAYOUT
    token: str | None = None
    items_per_chunk: int = ITEMS_PER_CHUNK
    run_items_per_chunk: int = ITEMS_PER_CHUNK
    solo_from: int | None = None
    max_failures: int | None = None
    share: str | None = None
    priority: int | None = None
    has_runner: bool = False
    reason: Reason | None = None
    requeued_at: str | None = None
    items_succeeded: int | None = None
    items_failed: Failures | None = None
    is_follow_up: bool = False
    lease_expires_at: int | None = None
    retry_owner: str | None = None
    retry_expires_at: int | None = None
    failed_before: Failures = field(default_factory=dict)
    parts: int | None = None
    unpacked: int = 0
    is_deleting: bool = False

    @property
    def results_partition(self) -> str:
        """The partition key of its results."""
        return results_partition(self.job_id) if self.layout >= LAYOUT else self.job_id

    def items_per_chunk_of(self, run: int) -> int:
        """Return how many items the chunks of the first or of the present run have."""
        return self.items_per_chunk if run == 1 else self.run_items_per_chunk

    @property
    def items_to_do(self) -> int:
        """How many items the run works on."""
        return self.items if self.run_items is None else self.run_items

    @property
    def items_succeeded_before(self) -> int:
        """How many items have succeeded in earlier runs."""
        return max(0, self.items - self.items_to_do - sum(self.failed_before.values()))

    @property
    def slices(self) -> Slices:
        """Which task of the run has which of its items."""
        return Slices(self.items_to_do, self.items_per_task, self.solo_from)

    @property
    def tasks(self) -> int:
        """How many tasks the items of the run make."""
        return self.slices.tasks

    @property
    def batch_job_specs(self) -> list[BatchJobSpec]:
        """The Batch jobs that the run is split into, whether or not they are submitted."""
        return split_into_batch_jobs(self.job_id, self.run, self.slices)


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
        "layout": number(job.layout),
        "items_per_chunk": number(job.items_per_chunk),
        **_given(token=job.token, share=job.share),
        **_given(max_failures=job.max_failures, priority=job.priority, parts=job.parts),
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
        layout=_number(fields, "layout") or 1,
        token=_text(fields, "token", TOKEN),
        items_per_chunk=_items_per_chunk(fields, "items_per_chunk"),
        run_items_per_chunk=_items_per_chunk(fields, "attempt_items_per_chunk"),
        solo_from=_number(fields, "solo_from", MAX_ITEMS),
        max_failures=_number(fields, "max_failures"),
        share=_text(fields, "share", SHARE),
        priority=_number(fields, "priority", MAX_PRIORITY),
        has_runner=_flag(fields, "runner"),
        reason=_reason(fields),
        requeued_at=_timestamp(fields, "requeued_at"),
        items_succeeded=_number(fields, "items_succeeded"),
        items_failed=_failures(fields, "items_failed") if fields.has("items_failed") else None,
        is_follow_up=_flag(fields, "follow_up"),
        lease_expires_at=_number(fields, "lease_expires_at", MAX_EPOCH_S * 1000),
        failed_before=_failures(fields, "failed_before") if fields.has("failed_before") else {},
        retry_owner=fields.text("retry_owner") if fields.has("retry_owner") else None,
        retry_expires_at=_number(fields, "retry_expires_at", MAX_EPOCH_S * 1000),
        parts=_number(fields, "parts", MAX_PARTS),
        unpacked=_number(fields, "unpacked") or 0,
        is_deleting=_flag(fields, "deleting"),
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


def failures_value(failures: Failures) -> AttributeValue:
    """Return counts of failures by reason in DynamoDB's form."""
    return {"M": {reason.value: number(items) for reason, items in failures.items()}}


def reason_in(fields: Fields) -> Reason:
    """Read the attribute `reason`, one that a newer version has as UNKNOWN."""
    found = fields.text("reason")
    return Reason(found) if found in set(Reason) else Reason.UNKNOWN


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
        _failures(fields, "tally_failures") if fields.has("tally_failures") else {},
    )


def _failures(fields: Fields, name: str) -> Failures:
    found = Counter[Reason]()
    for reason, items in fields.counts(name, MAX_REASONS).items():
        found[Reason(reason) if reason in set(Reason) else Reason.UNKNOWN] += items
    return dict(found)


def _reason(fields: Fields) -> Reason | None:
    return reason_in(fields) if fields.has("reason") else None


def _items_per_chunk(fields: Fields, name: str) -> int:
    if not fields.has(name):
        return ITEMS_PER_CHUNK
    return fields.whole(name, ITEMS_PER_CHUNK, least=1)


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


def _given(**values: str | int | None) -> Item:
    """Return the attributes that have a value."""
    return {
        name: text(value) if isinstance(value, str) else number(value)
        for name, value in values.items()
        if value is not None
    }


def _text(fields: Fields, name: str, form: re.Pattern[str]) -> str | None:
    return fields.text(name, form) if fields.has(name) else None


def _flag(fields: Fields, name: str) -> bool:
    return fields.has(name) and fields.flag(name)


def _timestamp(fields: Fields, name: str) -> str | None:
    return fields.timestamp(name) if fields.has(name) else None


def _number(fields: Fields, name: str, most: int = MAX_COUNT) -> int | None:
    return fields.whole(name, most) if fields.has(name) else None
