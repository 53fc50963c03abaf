"""The progress of the tasks in the table: read all at once, and completed where a task died."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from batchctl.contract import progress
from batchctl.contract.job_record import JobRecord
from batchctl.contract.progress import ItemCounts, ProgressRecord
from batchctl.contract.retention import items_expiry
from batchctl.contract.table import LAST_CHUNK, SORT_KEY, progress_key, progress_partition, text
from handlers.store.malformed import well_formed
from handlers.store.table import Table


@dataclass(frozen=True)
class ProgressRecords:
    """The progress records of one table."""

    table: Table

    def counts(self, job: JobRecord) -> ItemCounts:
        """Count the items of a job by where they stand in its present run.

        What an earlier run has done is done, or has failed for good; a task without a record has
        not begun. One Query with a page for each megabyte: a million items are two.
        """
        seen = progress.count(
            cell
            for record in self._read(job)
            for cell in record.cells[: len(job.slices.items_of(record.task))]
        )
        return ItemCounts(
            pending=max(0, job.items_to_do - seen.total) + seen.pending,
            running=seen.running,
            succeeded=job.items_succeeded_before + seen.succeeded,
            reasons=dict(Counter(job.failed_before) + Counter(seen.reasons)),
        )

    def of_tasks(self, job: JobRecord, tasks: Sequence[int]) -> dict[int, ProgressRecord]:
        """Return the records of tasks of the present run that have one, as of now."""
        if not tasks:
            return {}
        found = self._read(job, min(tasks), max(tasks), ConsistentRead=True)
        return {record.task: record for record in found if record.task in tasks}

    def put(self, job: JobRecord, record: ProgressRecord) -> None:
        """Put the record of a task that has ended."""
        self.table.client.put_item(
            TableName=self.table.name,
            Item=record.as_item(job.job_id, items_expiry(job.expires_at)),
        )

    def _read(
        self, job: JobRecord, first: int = 0, last: int = LAST_CHUNK, **more: Any
    ) -> Iterator[ProgressRecord]:
        values = {
            ":partition": text(progress_partition(job.job_id)),
            ":first": text(progress_key(job.run, first)),
            ":last": text(progress_key(job.run, last)),
        }
        pages = self.table.client.get_paginator("query").paginate(
            TableName=self.table.name,
            KeyConditionExpression="job_id = :partition AND #item BETWEEN :first AND :last",
            ExpressionAttributeNames={"#item": SORT_KEY},
            ExpressionAttributeValues=values,
            **more,
        )
        found = (item for page in pages for item in page["Items"])
        return well_formed(found, progress.from_item)
