"""The lease on a job that is being split: one splitter at a time, and what it has submitted so far.

A lease is two attributes of the JOB record: `lease_owner`, the id of the Lambda invocation, and
`lease_expires_at`, milliseconds since the epoch, beyond the end of that invocation. It is never
given back: an owner that failed may have submitted a job without recording it, and the next one
must know.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handlers.record import (
    LISTING,
    BatchJob,
    JobRecord,
    Status,
    batch_jobs_value,
    from_item,
    key,
    number,
    text,
    timestamp,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

MARGIN_MS = 30_000
"""A lease outlives its invocation by so much: what was sent at the last moment has arrived then."""

SPLITTABLE = (Status.RECEIVING, Status.QUEUED)


class LeaseHeldError(Exception):
    """Another invocation is splitting the job: the message must come again later."""


class LeaseLostError(Exception):
    """The lease ran out and another invocation took it: this one must stop at once."""


class UnknownJobError(Exception):
    """The table has no such job."""


@dataclass(frozen=True)
class Lease:
    """A lease taken: the job as it was then; `resumed` when another owner had one before."""

    owner: str
    job: JobRecord
    resumed: bool


@dataclass(frozen=True)
class LeaseTable:
    """The leases of one table. `clock` gives seconds since the epoch."""

    client: DynamoDBClient
    name: str
    clock: Callable[[], float]

    def take(self, job_id: str, owner: str, remaining_ms: int) -> Lease | None:
        """Take the lease for an invocation that ends in `remaining_ms`; `None`: nothing to split.

        A message proves that the job's universe is complete, so a job that is still RECEIVING (its
        receiver died, or is about to say QUEUED) becomes QUEUED and listed by this.
        Raises LeaseHeldError and UnknownJobError.
        """
        now_ms = int(self.clock() * 1000)
        try:
            before = self._take(job_id, owner, now_ms, now_ms + remaining_ms + MARGIN_MS)
        except self.client.exceptions.ConditionalCheckFailedException:
            self._explain(job_id)
            return None
        return Lease(owner, from_item(before), resumed="lease_owner" in before)

    def record(self, lease: Lease, batch_jobs: tuple[BatchJob, ...]) -> Status:
        """Record what has been submitted so far and give the job's status as of now.

        Splitting goes on only while the job is QUEUED. Raises LeaseLostError.
        """
        try:
            answer = self.client.update_item(
                TableName=self.name,
                Key=key(lease.job.job_id),
                UpdateExpression="SET batch_jobs = :batch_jobs",
                ConditionExpression="lease_owner = :owner",
                ExpressionAttributeValues={
                    ":batch_jobs": batch_jobs_value(batch_jobs),
                    ":owner": text(lease.owner),
                },
                ReturnValues="ALL_NEW",
            )
        except self.client.exceptions.ConditionalCheckFailedException as error:
            raise LeaseLostError(lease.job.job_id) from error
        return from_item(answer["Attributes"]).status

    def finish(self, lease: Lease) -> None:
        """Make the job SUBMITTED; quiet when it has gone on from there; raises LeaseLostError."""
        try:
            self.client.update_item(
                TableName=self.name,
                Key=key(lease.job.job_id),
                UpdateExpression="SET #status = :submitted, submitted_at = :submitted_at",
                ConditionExpression="lease_owner = :owner AND #status = :queued",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={
                    ":submitted": text(Status.SUBMITTED),
                    ":submitted_at": text(timestamp(self.clock())),
                    ":owner": text(lease.owner),
                    ":queued": text(Status.QUEUED),
                },
            )
        except self.client.exceptions.ConditionalCheckFailedException as error:
            # Our own first try may have been the one, when its answer was lost.
            if self._status(lease.job.job_id) in SPLITTABLE:
                raise LeaseLostError(lease.job.job_id) from error

    def _take(
        self, job_id: str, owner: str, now_ms: int, expires_ms: int
    ) -> dict[str, AttributeValueTypeDef]:
        """Take the lease and give the JOB item as it was before."""
        answer = self.client.update_item(
            TableName=self.name,
            Key=key(job_id),
            UpdateExpression="SET lease_owner = :owner, lease_expires_at = :expires, "
            "#status = :queued, listing = :listing",
            ConditionExpression="#status IN (:receiving, :queued) AND (attribute_not_exists("
            "lease_owner) OR lease_owner = :owner OR lease_expires_at < :now)",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={
                ":owner": text(owner),
                ":expires": number(expires_ms),
                ":now": number(now_ms),
                ":receiving": text(Status.RECEIVING),
                ":queued": text(Status.QUEUED),
                ":listing": text(LISTING),
            },
            ReturnValues="ALL_OLD",
        )
        return answer["Attributes"]

    def _explain(self, job_id: str) -> None:
        """Return when the job is past splitting; else raise what stands in the way."""
        status = self._status(job_id)
        if status is None:
            raise UnknownJobError(job_id)
        if status in SPLITTABLE:
            raise LeaseHeldError(job_id)

    def _status(self, job_id: str) -> Status | None:
        answer = self.client.get_item(TableName=self.name, Key=key(job_id), ConsistentRead=True)
        return from_item(answer["Item"]).status if "Item" in answer else None
