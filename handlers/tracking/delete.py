"""Deletes a job that has ended, and an upload that nobody completes: all that the table has of it.

The record says first that the job is being deleted: from then on nobody is shown it, and nobody
gets its id. It goes last. A call that dies, or runs out of time, is repeated and goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from batchctl.contract.control import RefusedError
from batchctl.contract.job_record import JobRecord
from batchctl.contract.statuses import FINAL, Status
from batchctl.contract.table import (
    JOB,
    LISTING_KEY,
    SORT_KEY,
    flag,
    key,
    progress_partition,
    results_partition,
    text,
)
from handlers.store.batch_write import BatchWriter
from handlers.store.jobs import JobStore
from handlers.store.table import Change, unchanged
from handlers.tracking.monitor import Monitor

MARKED = Change({"deleting": flag(value=True)}, (LISTING_KEY,))


@dataclass(frozen=True)
class Deleter:
    """Deletes jobs."""

    store: JobStore
    monitor: Monitor

    def delete(self, job_id: str, deadline: float) -> bool:
        """Delete a job; `False` when the deadline came first: the same again goes on.

        The deadline is by the monotonic clock. Raises RefusedError: 404 for no such job, 409 for
        one that hasn't ended.
        """
        job = self.store.read(job_id)
        if job is None:
            raise RefusedError(404, f"no job `{job_id}`")
        if not job.is_deleting:
            self._mark(job, deadline)
        for partition in (results_partition(job_id), progress_partition(job_id), job_id):
            for names in self._pages(partition):
                self._delete(partition, names)
                # An empty page costs nothing: a call gets on, however late it is.
                if names and self.store.monotonic() >= deadline:
                    return False
        self._delete(job_id, [JOB])
        return True

    def _mark(self, job: JobRecord, deadline: float) -> None:
        is_upload = job.status is Status.RECEIVING and job.parts is not None
        if not is_upload:
            job = self._ended(job, deadline)
        if self.store.change(job.job_id, MARKED, unchanged(job.status, job.run)) is None:
            raise RefusedError(409, f"job `{job.job_id}` has changed meanwhile: delete it again")

    def _ended(self, job: JobRecord, deadline: float) -> JobRecord:
        """Return the record of a job that has ended, also of one whose end nobody has recorded."""
        if job.status is not Status.RECEIVING:
            self.monitor.refresh([job], deadline)
            job = self.store.read(job.job_id) or job
        if job.status not in FINAL:
            raise RefusedError(409, f"job `{job.job_id}` is {job.status}: cancel it first")
        return job

    def _pages(self, partition: str) -> Iterator[list[str]]:
        """Yield the sort keys of all items of a partition but the JOB record, page by page."""
        pages = self.store.client.get_paginator("query").paginate(
            TableName=self.store.name,
            KeyConditionExpression="job_id = :job_id",
            ExpressionAttributeNames={"#item": SORT_KEY},
            ExpressionAttributeValues={":job_id": text(partition)},
            ProjectionExpression="#item",
            ConsistentRead=True,
        )
        for page in pages:
            yield [name for item in page["Items"] if (name := item[SORT_KEY]["S"]) != JOB]

    def _delete(self, partition: str, names: list[str]) -> None:
        BatchWriter(self.store).write(
            len(names), lambda at: {"DeleteRequest": {"Key": key(partition, names[at])}}
        )
