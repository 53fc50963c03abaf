"""The reclaims of a job in the table: put for each task, summed up for readers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from batchctl.contract.fields import MAX_COUNT, MAX_SECONDS, Fields
from batchctl.contract.job_record import JobRecord, Reclaims
from batchctl.contract.reasons import reclaims_of
from batchctl.contract.retention import expiry_attribute, items_expiry
from batchctl.contract.table import RECLAIMS_PREFIX, decimal, key, number, reclaims_key, text
from handlers.store.malformed import well_formed
from handlers.store.table import Table


@dataclass(frozen=True)
class ReclaimRecords:
    """The reclaims in one table."""

    table: Table

    def record(self, job: JobRecord, task: int, detail: Mapping[str, Any]) -> bool:
        """Record how often a task of the job lost its host; `False` when it never did.

        `detail` is the JobDetail of the task, of DescribeJobs or of an event. The same again
        changes nothing.
        """
        count, seconds = reclaims_of(detail)
        if not count:
            return False
        self.table.client.put_item(
            TableName=self.table.name,
            Item={
                **key(job.job_id, reclaims_key(job.run, task)),
                **expiry_attribute(items_expiry(job.expires_at)),
                "reclaims": number(count),
                "lost_seconds": decimal(seconds),
            },
        )
        return True

    def total(self, job_id: str) -> Reclaims:
        """Sum up the reclaims of all runs of a job."""
        pages = self.table.client.get_paginator("query").paginate(
            TableName=self.table.name,
            KeyConditionExpression="job_id = :job_id AND begins_with(#item, :prefix)",
            ExpressionAttributeNames={"#item": "item"},
            ExpressionAttributeValues={":job_id": text(job_id), ":prefix": text(RECLAIMS_PREFIX)},
            ConsistentRead=True,
        )
        found = (item for page in pages for item in page["Items"])
        entries = list(well_formed(found, _reclaims))
        return Reclaims(
            sum(entry.count for entry in entries),
            round(sum(entry.seconds for entry in entries), 3),
        )


def _reclaims(item: Mapping[str, Any]) -> Reclaims:
    fields = Fields(item)
    return Reclaims(
        fields.whole("reclaims", MAX_COUNT), fields.decimal("lost_seconds", MAX_SECONDS)
    )
