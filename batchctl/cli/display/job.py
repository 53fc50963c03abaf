"""A job as people read it and as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from batchctl.cli.output import show
from batchctl.contract.timestamps import timestamp

if TYPE_CHECKING:
    from batchctl.jobs import Counts, Job, JobSummary, Submitted
    from batchctl.jobs.control import Cancelled, Retried

TIMES = ("created_at", "finished_at")
FIELDS = (
    "job_id",
    "status",
    "reason",
    "attempt",
    *TIMES,
    "items",
    "item_counts",
    "tasks",
    "failures",
    "reclaims",
)
UNCOUNTED: Mapping[str, int | None] = dict.fromkeys(
    ("total", "pending", "running", "succeeded", "failed")
)


def show_job(job: Job, reasons: Mapping[str, int]) -> None:
    """Print a job: status, counts of items and tasks, `reasons` of failures, what Spot took."""
    tasks = job.tasks
    show(f"job:      {job.job_id}")
    show(f"status:   {job.status}{f' ({job.reason})' if job.reason else ''}")
    if job.attempt > 1:
        show(f"attempt:  {job.attempt}")
    show(f"created:  {local_time(job.created_at)}")
    if job.finished_at:
        show(f"finished: {local_time(job.finished_at)}")
    show(f"items:    {_counted(job.item_counts) if job.item_counts else job.items}")
    show(f"tasks:    {_counted(tasks)}")
    if reasons:
        show(f"failed:   {', '.join(f'{n} {reason}' for reason, n in reasons.items())}")
    if job.reclaims:
        count, seconds = job.reclaims.count, job.reclaims.seconds
        show(f"reclaims: {count}, which cost {seconds:.0f} s of work")


def _counted(counts: Counts) -> str:
    return (
        f"{counts.total}: {counts.pending} pending, {counts.running} running, "
        f"{counts.succeeded} succeeded, {counts.failed} failed"
    )


def as_json(job: Job | JobSummary | Submitted | Cancelled | Retried) -> dict[str, Any]:
    """Return a job as data: the same fields wherever it stands, None for what isn't known there.

    They are spelled as in the API's answer about one job.
    """
    plain = dataclasses.asdict(job)
    shape = {name: plain.get(name) for name in FIELDS}
    for name in TIMES:
        shape[name] = iso(plain[name]) if plain.get(name) else None
    tasks = plain["tasks"]
    shape["tasks"] = tasks if isinstance(tasks, dict) else {**UNCOUNTED, "total": tasks}
    return shape


def iso(time: datetime) -> str:
    """Write a time as all JSON of ours has it: ISO 8601, UTC, to the microsecond."""
    return timestamp(time.timestamp())


def local_time(time: datetime | None) -> str:
    """Write a time in this machine's time zone; empty for None."""
    return time.astimezone().strftime("%Y-%m-%d %H:%M:%S") if time else ""
