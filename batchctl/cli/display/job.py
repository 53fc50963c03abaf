"""A job as people read it and as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from batchctl.cli.output import show

if TYPE_CHECKING:
    from batchctl.jobs import Counts, Job


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


def as_json(job: Job) -> dict[str, Any]:
    """Return a job as the API spells it, without its results."""
    plain = as_plain(job)
    return {key: value for key, value in plain.items() if key not in {"results", "next"}}


def as_plain(data: Any) -> dict[str, Any]:
    """Return frozen data as JSON has it, times in ISO 8601."""
    return {
        key: value.isoformat() if isinstance(value, datetime) else value
        for key, value in dataclasses.asdict(data).items()
    }


def local_time(time: datetime | None) -> str:
    """Write a time in this machine's time zone; empty for None."""
    return time.astimezone().strftime("%Y-%m-%d %H:%M:%S") if time else ""
