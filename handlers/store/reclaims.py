"""The reclaims of a job in the table: put for each task, summed up for readers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from handlers.keeping import items_expiry
from handlers.malformed import Fields, well_formed
from handlers.reasons import reclaims_of
from handlers.record import (
    LONGEST_S,
    MOST_COUNTED,
    JobRecord,
    Reclaims,
    expiry_value,
    key,
    number,
    text,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PREFIX = "ATTEMPTS#"


@dataclass(frozen=True)
class ReclaimTable:
    """The reclaims in one table."""

    client: DynamoDBClient
    name: str

    def record(self, job: JobRecord, task: int, detail: Mapping[str, Any]) -> bool:
        """Record how often a task of the job lost its machine; `False` when it never did.

        `detail` is the JobDetail of the task, of DescribeJobs or of an event. The same again
        changes nothing.
        """
        count, seconds = reclaims_of(detail)
        if not count:
            return False
        self.client.put_item(
            TableName=self.name,
            Item={
                **key(job.job_id, f"{PREFIX}{job.attempt:02d}#{task:08d}"),
                **expiry_value(items_expiry(job.expires_at)),
                "reclaims": number(count),
                "lost_seconds": {"N": f"{seconds:.3f}"},
            },
        )
        return True

    def total(self, job_id: str) -> Reclaims:
        """Sum up the reclaims of all attempts at a job."""
        pages = self.client.get_paginator("query").paginate(
            TableName=self.name,
            KeyConditionExpression="job_id = :job_id AND begins_with(#item, :prefix)",
            ExpressionAttributeNames={"#item": "item"},
            ExpressionAttributeValues={":job_id": text(job_id), ":prefix": text(PREFIX)},
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
        fields.whole("reclaims", MOST_COUNTED), fields.decimal("lost_seconds", LONGEST_S)
    )
