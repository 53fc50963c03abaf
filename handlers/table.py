"""The JOB records in the table: create, read, accept, list, and record the end of a job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handlers.record import (
    INDEX,
    LISTING,
    NO_RECLAIMS,
    JobRecord,
    Reclaims,
    Status,
    Tally,
    from_item,
    key,
    new_item,
    number,
    text,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, QueryInputTypeDef


@dataclass(frozen=True)
class Listed:
    """A job in the list: what the index holds."""

    job_id: str
    status: Status
    created_at: str
    items: int
    tasks: int
    finished_at: str | None = None


@dataclass(frozen=True)
class ListPosition:
    """A place in the list of jobs: the listed job after which a page begins."""

    created_at: str
    job_id: str


@dataclass(frozen=True)
class End:
    """How an attempt at a job ended; `succeeded` and `failed` count its tasks."""

    status: Status
    finished_at: str
    succeeded: int
    failed: int
    reclaims: Reclaims = NO_RECLAIMS


@dataclass(frozen=True)
class JobTable:
    """The JOB records of one table."""

    client: DynamoDBClient
    name: str

    def create(self, job: JobRecord) -> JobRecord:
        """Put the record unless the job_id has one; give the record that is in the table then."""
        try:
            self.client.put_item(
                TableName=self.name,
                Item=new_item(job),
                ConditionExpression="attribute_not_exists(job_id)",
            )
        except self.client.exceptions.ConditionalCheckFailedException:
            # What is there decides: our own first try may have been the one, its answer lost.
            present = self.read(job.job_id)
            if present is None:
                raise
            return present
        return job

    def read(self, job_id: str) -> JobRecord | None:
        """Read a record as of now; `None` when there is none."""
        answer = self.client.get_item(TableName=self.name, Key=key(job_id), ConsistentRead=True)
        return from_item(answer["Item"]) if "Item" in answer else None

    def read_many(self, job_ids: Sequence[str]) -> dict[str, JobRecord]:
        """Read up to 100 records by job_id (DynamoDB API reference, BatchGetItem: 100 items).

        What DynamoDB leaves unprocessed is left out.
        """
        if not job_ids:
            return {}
        keys = [key(job_id) for job_id in job_ids]
        answer = self.client.batch_get_item(
            RequestItems={self.name: {"Keys": keys, "ConsistentRead": True}}
        )
        records = (from_item(item) for item in answer["Responses"].get(self.name, []))
        return {record.job_id: record for record in records}

    def accept(self, job_id: str) -> None:
        """Make a received job QUEUED and listed; quiet when somebody has done so before."""
        self._update_if(
            job_id,
            _Expected(Status.RECEIVING),
            "SET #status = :queued, listing = :listing",
            {":queued": text(Status.QUEUED), ":listing": text(LISTING)},
        )

    def end(self, job: JobRecord, end: End) -> bool:
        """Record the end of an attempt, CANCELLED as well; `False` when the job has gone on.

        It has when its status or its attempt is another one than `job` says.
        """
        return self._update_if(
            job.job_id,
            _Expected(job.status, job.attempt),
            "SET #status = :status, finished_at = :finished_at, succeeded = :succeeded, "
            "failed = :failed, reclaims = :reclaims, reclaim_seconds = :reclaim_seconds "
            "REMOVE tally_after, tally_succeeded, tally_recorded, tally_complete, explained",
            {
                ":status": text(end.status),
                ":finished_at": text(end.finished_at),
                ":succeeded": number(end.succeeded),
                ":failed": number(end.failed),
                ":reclaims": number(end.reclaims.count),
                ":reclaim_seconds": {"N": f"{end.reclaims.seconds:.3f}"},
            },
        )

    def keep_tally(self, job: JobRecord, tally: Tally, explained: int) -> None:
        """Record how far the results of an attempt have been counted, its failures explained."""
        self._update_if(
            job.job_id,
            _Expected(job.status, job.attempt),
            "SET tally_after = :after, tally_succeeded = :succeeded, tally_recorded = :recorded, "
            "tally_complete = :complete, explained = :explained",
            {
                ":after": text(tally.after),
                ":succeeded": number(tally.succeeded),
                ":recorded": number(tally.recorded),
                ":complete": {"BOOL": tally.complete},
                ":explained": number(explained),
            },
        )

    def keep_reclaims(self, job: JobRecord, reclaims: Reclaims) -> None:
        """Record the reclaims of an attempt that has ended: an event came after the end."""
        self._update_if(
            job.job_id,
            _Expected(job.status, job.attempt),
            "SET reclaims = :reclaims, reclaim_seconds = :reclaim_seconds",
            {
                ":reclaims": number(reclaims.count),
                ":reclaim_seconds": {"N": f"{reclaims.seconds:.3f}"},
            },
        )

    def page(
        self, limit: int, after: ListPosition | None
    ) -> tuple[list[Listed], ListPosition | None]:
        """Give up to `limit` accepted jobs, newest first, and where the next page begins."""
        request: QueryInputTypeDef = {
            "TableName": self.name,
            "IndexName": INDEX,
            "KeyConditionExpression": "listing = :listing",
            "ExpressionAttributeValues": {":listing": text(LISTING)},
            "ScanIndexForward": False,
            "Limit": limit + 1,
        }
        if after is not None:
            request["ExclusiveStartKey"] = _start_key(after)
        answer = self.client.query(**request)
        jobs = [_listed(item) for item in answer["Items"]]
        if len(jobs) <= limit and "LastEvaluatedKey" not in answer:
            return jobs, None
        return jobs[:limit], ListPosition(jobs[:limit][-1].created_at, jobs[:limit][-1].job_id)

    def _update_if(
        self,
        job_id: str,
        expected: _Expected,
        update: str,
        values: dict[str, AttributeValueTypeDef],
    ) -> bool:
        """Update the record if it is as expected; do nothing, and give `False`, otherwise."""
        try:
            self.client.update_item(
                TableName=self.name,
                Key=key(job_id),
                UpdateExpression=update,
                ConditionExpression=expected.condition,
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={**values, **expected.values},
            )
        except self.client.exceptions.ConditionalCheckFailedException:
            return False
        return True


@dataclass(frozen=True)
class _Expected:
    """What a record must say for a change to be made."""

    status: Status
    attempt: int = 1

    @property
    def condition(self) -> str:
        """The condition, in which `#status` stands for `status`."""
        first = "attribute_not_exists(attempt)"
        return f"#status = :expected AND {first if self.attempt == 1 else 'attempt = :attempt'}"

    @property
    def values(self) -> dict[str, AttributeValueTypeDef]:
        """The values that the condition names."""
        expected = {":expected": text(self.status)}
        return expected if self.attempt == 1 else {**expected, ":attempt": number(self.attempt)}


def _start_key(after: ListPosition) -> dict[str, AttributeValueTypeDef]:
    return {**key(after.job_id), "listing": text(LISTING), "created_at": text(after.created_at)}


def _listed(item: dict[str, AttributeValueTypeDef]) -> Listed:
    return Listed(
        job_id=item["job_id"]["S"],
        status=Status(item["status"]["S"]),
        created_at=item["created_at"]["S"],
        items=int(item["items"]["N"]),
        tasks=int(item["tasks"]["N"]),
        finished_at=item["finished_at"]["S"] if "finished_at" in item else None,
    )
