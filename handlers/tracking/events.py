"""What AWS Batch tells of the ends of its jobs, brought into the table.

A child that failed: its items get the reason at once. One that lost its machine: how often, and
what that cost. An array, or a plain job, that ended: the end of our job. An event may come twice,
late or never: all of it may be repeated, and readers find out for themselves what was not told.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from handlers.log import logger
from handlers.malformed import MalformedItemError, skipped
from handlers.record import FINAL, JOB_ID, JobRecord, Status
from handlers.store.jobs import JobTable
from handlers.store.reclaims import ReclaimTable
from handlers.tracking.failure_records import Explainer
from handlers.tracking.monitor import Monitor
from handlers.tracking.progress import ENDED_STATES

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient


NUMBERS = re.compile(r"[0-9]{1,7} [0-9]{1,2}")


class ComesAgainError(Exception):
    """The event came too early, or brought more work than there was time for.

    Lambda invokes the function for it again, twice (Lambda Developer Guide, "Asynchronous
    invocation"), after a minute and after two more.
    """


@dataclass(frozen=True)
class BatchEvent:
    """What an event tells: how a Batch job of an attempt at a job has ended; `detail` as it came.

    `task` is the task that the Batch job did; `None` for an array.
    """

    job_id: str
    attempt: int
    task: int | None
    whole: bool
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class Tracker:
    """Takes in events."""

    jobs: JobTable
    monitor: Monitor
    explainer: Explainer
    reclaims: ReclaimTable
    batch: BatchClient

    def track(self, event: Mapping[str, Any], deadline: float) -> None:
        """Bring what an event of Batch tells into the table; quiet when that is nothing.

        Raises ComesAgainError when something is left to do (at the deadline, of the results'
        clock).
        """
        told = self._told(event["detail"])
        if told is None or _says_nothing(told):
            return
        try:
            job = self.jobs.read(told.job_id)
        except MalformedItemError as error:
            skipped.note(error)  # the same event again would find the same
            return
        if job is None or job.attempt != told.attempt:
            logger.info("of no job that there is", job_id=told.job_id, attempt=told.attempt)
            return
        if told.task is not None:
            self._track_task(job, told, told.task)
        if told.whole:
            self._track_end(job, deadline)

    def _track_task(self, job: JobRecord, told: BatchEvent, task: int) -> None:
        if self.reclaims.record(job, task, told.detail) and job.status in FINAL:
            self.jobs.keep_reclaims(job, self.reclaims.total(job.job_id))
        # A job that was cancelled has no failures to explain.
        if told.detail["status"] == "FAILED" and job.status is not Status.CANCELLED:
            self.explainer.explain_task(job, task, told.detail)

    def _track_end(self, job: JobRecord, deadline: float) -> None:
        if job.status is Status.CANCELLED:
            self.monitor.settle(job)
            return
        (progress,) = self.monitor.look([job], deadline)
        logger.info("looked at", job_id=job.job_id, status=progress.status)
        if progress.unfinished_work or _is_about_to_be_submitted(job):
            raise ComesAgainError(job.job_id)

    def _told(self, detail: Mapping[str, Any]) -> BatchEvent | None:
        """Read an event; `None` for one that is none of ours."""
        if detail.get("status") not in ENDED_STATES:
            return None
        variables = _variables(detail) or self._variables_of_array(str(detail["jobId"]))
        job_id = variables.get("BATCHCTL_JOB_ID", "")
        first, attempt = (
            variables.get(f"BATCHCTL_{name}", default)
            for name, default in (("FIRST_TASK", "0"), ("ATTEMPT", "1"))
        )
        # Others may submit to the queue, too, with whatever they like in the environment.
        if not JOB_ID.fullmatch(job_id) or not NUMBERS.fullmatch(f"{first} {attempt}"):
            return None
        array = detail.get("arrayProperties") or {}
        return BatchEvent(
            job_id=job_id,
            attempt=int(attempt),
            task=None if array.get("size") else int(first) + int(array.get("index", 0)),
            whole="index" not in array,
            detail=detail,
        )

    def _variables_of_array(self, batch_job_id: str) -> dict[str, str]:
        """Ask Batch for what an event left out; a child's are those of its array."""
        array, _, _ = batch_job_id.partition(":")
        found = self.batch.describe_jobs(jobs=[array])["jobs"]
        return _variables(found[0]) if found else {}


def _variables(detail: Mapping[str, Any]) -> dict[str, str]:
    entries = (detail.get("container") or {}).get("environment") or ()
    found = {entry["name"]: entry["value"] for entry in entries}
    return {name: value for name, value in found.items() if name.startswith("BATCHCTL_")}


def _says_nothing(told: BatchEvent) -> bool:
    """Tell a child that succeeded at its first attempt, which is most of them, from all else."""
    is_first = len(told.detail.get("attempts") or ()) <= 1
    return not told.whole and told.detail["status"] == "SUCCEEDED" and is_first


def _is_about_to_be_submitted(job: JobRecord) -> bool:
    """Tell a job that ended before its splitter had come to say SUBMITTED."""
    submitted = sum(batch_job.tasks for batch_job in job.batch_jobs)
    return job.status is Status.QUEUED and submitted == job.tasks
