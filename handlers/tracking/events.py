"""The events of AWS Batch that end its jobs, brought into the table.

A child that failed: its items get the reason at once. One that lost its host: how often, and what
that cost. An array, or a plain job, that ended: the end of our job. An event may come twice, late
or never: all of it may be repeated, and readers find out for themselves what no event said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from batchctl.contract.batch_jobs import BatchJob
from batchctl.contract.environment import Container, of_container
from batchctl.contract.fields import MalformedItemError
from batchctl.contract.job_record import JobRecord
from batchctl.contract.limits import is_job_id
from batchctl.contract.reasons import Reason
from batchctl.contract.statuses import ENDED_TASK, FINAL, Status, TaskStatus
from handlers.log import logger
from handlers.store.jobs import JobStore
from handlers.store.malformed import skipped
from handlers.tracking.monitor import Monitor

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient


RUN = re.compile(r"[0-9]{1,2}")


class ComesAgainError(Exception):
    """The event came too early, or brought more work than there was time for.

    Lambda invokes the function for it again, twice (Lambda Developer Guide, "Asynchronous
    invocation"), after a minute and after two more.
    """


@dataclass(frozen=True)
class BatchEvent:
    """An event: how a Batch job of a run of a job has ended; `detail` as it came.

    `batch_job_id` is that of the array job, whose child `index` it is; `None`: it is no child.
    """

    job_id: str
    run: int
    batch_job_id: str
    index: int | None
    detail: Mapping[str, Any]

    @property
    def is_array(self) -> bool:
        """Whether it is of an array job itself, which does no task."""
        return bool((self.detail.get("arrayProperties") or {}).get("size"))


@dataclass(frozen=True)
class Tracker:
    """Takes in events."""

    store: JobStore
    monitor: Monitor
    batch: BatchClient

    def track(self, event: Mapping[str, Any], deadline: float) -> None:
        """Bring an event of Batch into the table; quiet when it says nothing new.

        Raises ComesAgainError when something is left to do (at the deadline, by the monotonic
        clock).
        """
        found = self._read(event["detail"])
        if found is None or _says_nothing(found):
            return
        try:
            job = self.store.read(found.job_id)
        except MalformedItemError as error:
            skipped.note(error)  # the same event again would find the same
            return
        if job is None or job.run != found.run:
            logger.info("of no job that there is", job_id=found.job_id, attempt=found.run)
            return
        if (batch_job := self._named(job, found)) is None:
            return
        if not found.is_array:
            self._track_task(job, found, batch_job.first_task + (found.index or 0))
        if found.index is None:
            self._track_end(job, deadline)

    def _named(self, job: JobRecord, event: BatchEvent) -> BatchJob | None:
        """Return the Batch job of the record that an event is of.

        One with the same name in its environment may be of an earlier job with this job_id, or of
        a stranger's: the record alone says which are ours. What is being submitted it may not say
        yet; raises ComesAgainError then.
        """
        named = next((each for each in job.batch_jobs if each.id == event.batch_job_id), None)
        if named is None:
            if job.status is Status.QUEUED:
                raise ComesAgainError(job.job_id)
            logger.info("of no Batch job of the record", job_id=job.job_id)
        return named

    def _track_task(self, job: JobRecord, event: BatchEvent, task: int) -> None:
        if self.store.reclaims.record(job, task, event.detail) and job.status in FINAL:
            self.store.keep_reclaims(job, self.store.reclaims.total(job.job_id))
        # A job that was cancelled has no failures to record.
        if event.detail["status"] == TaskStatus.FAILED and job.status is not Status.CANCELLED:
            self.monitor.failures.record_task(job, task, event.detail)
            self._end_if_too_many_failed(job)

    def _end_if_too_many_failed(self, job: JobRecord) -> None:
        if job.max_failures is None or job.status in FINAL:
            return
        if self.monitor.is_failing_too_much(job, self.store.progress.counts(job)):
            self.monitor.end_early(job, Reason.MAX_FAILURES)

    def _track_end(self, job: JobRecord, deadline: float) -> None:
        if job.status is Status.CANCELLED:
            if not self.monitor.settle(job, deadline):
                raise ComesAgainError(job.job_id)
            return
        (progress,) = self.monitor.refresh([job], deadline)
        logger.info("refreshed", job_id=job.job_id, status=progress.status)
        if progress.unfinished_work or _is_about_to_be_submitted(job):
            raise ComesAgainError(job.job_id)

    def _read(self, detail: Mapping[str, Any]) -> BatchEvent | None:
        """Read an event; `None` for one that is none of ours."""
        if detail.get("status") not in ENDED_TASK:
            return None
        variables = _variables(detail) or self._variables_of_array(str(detail["jobId"]))
        job_id = variables.get(Container.JOB_ID, "")
        run = variables.get(Container.RUN, "1")
        # Others may submit to the queue, too, with whatever they like in the environment.
        if not is_job_id(job_id) or not RUN.fullmatch(run):
            return None
        array = detail.get("arrayProperties") or {}
        return BatchEvent(
            job_id=job_id,
            run=int(run),
            batch_job_id=str(detail["jobId"]).partition(":")[0],
            index=int(array["index"]) if "index" in array else None,
            detail=detail,
        )

    def _variables_of_array(self, batch_job_id: str) -> dict[str, str]:
        """Ask Batch for what an event left out; a child's are those of its array."""
        array, _, _ = batch_job_id.partition(":")
        found = self.batch.describe_jobs(jobs=[array])["jobs"]
        return _variables(found[0]) if found else {}


def _variables(detail: Mapping[str, Any]) -> dict[str, str]:
    return of_container((detail.get("container") or {}).get("environment"))


def _says_nothing(event: BatchEvent) -> bool:
    """Whether it is of a child that succeeded at its first attempt, as most of them do."""
    is_first = len(event.detail.get("attempts") or ()) <= 1
    return event.index is not None and event.detail["status"] == TaskStatus.SUCCEEDED and is_first


def _is_about_to_be_submitted(job: JobRecord) -> bool:
    """Whether a job ended before its splitter had come to say SUBMITTED."""
    submitted = sum(batch_job.tasks for batch_job in job.batch_jobs)
    return job.status is Status.QUEUED and submitted == job.tasks
