"""The claim on a job that is to have another attempt: one call at a time makes it.

A claim is two attributes of the JOB record: `retry_owner`, the id of the call, and
`retry_expires_at`, milliseconds since the epoch, beyond the end of that call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handlers.batch.split_lease import MARGIN_MS
from handlers.commands import RefusedError
from handlers.record import (
    MOST_EARLIER_BATCH_JOBS,
    JobRecord,
    Overrides,
    Status,
    batch_jobs_value,
    from_item,
    key,
    number,
    overrides_value,
    text,
    timestamp,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef


@dataclass(frozen=True)
class ClaimTable:
    """The claims in one table. `clock` gives seconds since the epoch."""

    client: DynamoDBClient
    name: str
    clock: Callable[[], float]

    def claim(self, job: JobRecord, owner: str, remaining_ms: int) -> JobRecord:
        """Claim an ended job for a call that ends in `remaining_ms`; gives the record as it is now.

        Raises RefusedError (409) when another call has it, or it isn't as `job` says any more.
        """
        now_ms = int(self.clock() * 1000)
        values = {
            ":owner": text(owner),
            ":expires": number(now_ms + remaining_ms + MARGIN_MS),
            ":now": number(now_ms),
            ":status": text(job.status),
        }
        claimed = self._update(
            job,
            "SET retry_owner = :owner, retry_expires_at = :expires",
            "#status = :status AND (attribute_not_exists(retry_owner) OR retry_owner = :owner "
            "OR retry_expires_at < :now)",
            values,
        )
        if claimed is None:
            raise RefusedError(
                409, f"job `{job.job_id}` is being retried by another call: look at it again later"
            )
        return claimed

    def start(self, job: JobRecord, owner: str, items: int, overrides: Overrides) -> JobRecord:
        """Make the next attempt of a claimed job: QUEUED, with so many items; gives the record.

        Raises RefusedError (409) when the claim was lost.
        """
        earlier = (*job.earlier_batch_jobs, *job.batch_jobs)[-MOST_EARLIER_BATCH_JOBS:]
        values = {
            ":owner": text(owner),
            ":status": text(job.status),
            ":queued": text(Status.QUEUED),
            ":attempt": number(job.attempt + 1),
            ":items": number(items),
            ":tasks": number(-(-items // job.items_per_task)),
            ":none": batch_jobs_value(()),
            ":earlier": batch_jobs_value(earlier),
            ":overrides": overrides_value(overrides),
            ":now": text(timestamp(self.clock())),
        }
        started = self._update(job, START, "#status = :status AND retry_owner = :owner", values)
        if started is not None:
            return started
        present = self._read(job.job_id)
        # Our own first try may have been the one, its answer lost.
        if present is not None and present.attempt == job.attempt + 1:
            return present
        raise RefusedError(409, f"job `{job.job_id}` was taken by another call: try again")

    def drop(self, job: JobRecord, owner: str) -> None:
        """Give a claim back after a failure, so that the call can be repeated at once."""
        self._update(
            job,
            "REMOVE retry_owner, retry_expires_at",
            "retry_owner = :owner AND #status <> :queued",
            {":owner": text(owner), ":queued": text(Status.QUEUED)},
        )

    def _update(
        self,
        job: JobRecord,
        update: str,
        condition: str,
        values: dict[str, AttributeValueTypeDef],
    ) -> JobRecord | None:
        """Update the record and give it as it is then; `None` when the condition isn't met."""
        same = "attempt = :same" if job.attempt > 1 else "attribute_not_exists(attempt)"
        try:
            answer = self.client.update_item(
                TableName=self.name,
                Key=key(job.job_id),
                UpdateExpression=update,
                ConditionExpression=f"{condition} AND {same}",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues=values
                | ({":same": number(job.attempt)} if job.attempt > 1 else {}),
                ReturnValues="ALL_NEW",
            )
        except self.client.exceptions.ConditionalCheckFailedException:
            return None
        return from_item(answer["Attributes"])

    def _read(self, job_id: str) -> JobRecord | None:
        answer = self.client.get_item(TableName=self.name, Key=key(job_id), ConsistentRead=True)
        return from_item(answer["Item"]) if "Item" in answer else None


START = (
    "SET #status = :queued, attempt = :attempt, attempt_items = :items, tasks = :tasks, "
    "batch_jobs = :none, earlier_batch_jobs = :earlier, overrides = :overrides, queued_at = :now "
    # Nothing of the last attempt's submission, end and counting is the new one's.
    "REMOVE lease_owner, lease_expires_at, submitted_at, finished_at, succeeded, failed, "
    "reclaims, reclaim_seconds, tally_after, tally_succeeded, tally_recorded, tally_complete, "
    "explained, retry_owner, retry_expires_at"
)
