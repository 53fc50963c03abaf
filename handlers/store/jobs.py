"""The JOB records in the table: create, read, accept, list, and record the end of a job."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from handlers.keeping import FOREVER, Keeping
from handlers.malformed import Fields, MalformedItemError, skipped, well_formed
from handlers.record import (
    INDEX,
    JOB,
    JOB_ID,
    LISTING,
    MAX_ITEMS,
    NO_RECLAIMS,
    JobRecord,
    Reclaims,
    Status,
    Tally,
    from_item,
    key,
    new_item,
    number,
    status_in,
    text,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, QueryInputTypeDef


MOST_QUERIES = 5
"""So many pages of the index are read, at most, for one page of the list that has a job."""


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
class ListCursor:
    """A place in the list of jobs: what a page begins after.

    `item` is the sort key of that in the table: JOB, if nobody has put anything else into the list.
    """

    created_at: str
    job_id: str
    item: str = JOB


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
    """The JOB records of one table. `clock` gives seconds since the epoch.

    What reads a record raises MalformedItemError where it isn't one; what reads several leaves such
    out.
    """

    client: DynamoDBClient
    name: str
    keeping: Keeping = FOREVER
    clock: Callable[[], float] = time.time

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

    def shown(self, job_id: str) -> JobRecord | None:
        """Read a record as of now; `None` for what nobody is shown.

        That is a job that is still being received, or one that was kept for as long as it may be.
        """
        job = self.read(job_id)
        if job is None or job.status is Status.RECEIVING or self.is_past_keeping(job.finished_at):
            return None
        return job

    def is_past_keeping(self, finished_at: str | None) -> bool:
        """Tell whether a job that ended then (`None`: it hasn't) is shown no more."""
        return self.keeping.is_over(finished_at, self.clock())

    def read_many(self, job_ids: Sequence[str]) -> dict[str, JobRecord]:
        """Read up to 100 records by job_id (DynamoDB API reference, BatchGetItem: 100 items).

        The ids must be distinct. What DynamoDB leaves unprocessed is left out.
        """
        if not job_ids:
            return {}
        keys = [key(job_id) for job_id in job_ids]
        answer = self.client.batch_get_item(
            RequestItems={self.name: {"Keys": keys, "ConsistentRead": True}}
        )
        records = well_formed(answer["Responses"].get(self.name, []), from_item)
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

    def page(self, limit: int, after: ListCursor | None) -> tuple[list[Listed], ListCursor | None]:
        """Give up to `limit` accepted jobs, newest first, and where the next page begins.

        What is in the list and is no job, or is past keeping, makes a page shorter.
        """
        for _ in range(MOST_QUERIES):
            jobs, after = self._page(limit, after)
            if jobs or after is None:
                break
        return jobs, after

    def _page(self, limit: int, after: ListCursor | None) -> tuple[list[Listed], ListCursor | None]:
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
        items = answer["Items"]
        jobs = [
            job
            for job in well_formed(items[:limit], _listed)
            if not self.is_past_keeping(job.finished_at)
        ]
        if len(items) <= limit and "LastEvaluatedKey" not in answer:
            return jobs, None
        # An answer that goes on without items has read 1 MB of what is none of ours: its own key.
        return jobs, _position(items[:limit][-1] if items else answer["LastEvaluatedKey"])

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
        except ClientError as error:
            # Nobody but a stranger makes a record so large that it can't be changed any more.
            if not _is_too_large(error):
                raise
            skipped.note(MalformedItemError(key(job_id), "it is too large to be changed"))
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


def _start_key(after: ListCursor) -> dict[str, AttributeValueTypeDef]:
    return {
        **key(after.job_id, after.item),
        "listing": text(LISTING),
        "created_at": text(after.created_at),
    }


def _position(item: Mapping[str, Any]) -> ListCursor:
    """Give the place of an item of the index; its keys are strings, or it wouldn't be there."""
    return ListCursor(item["created_at"]["S"], item["job_id"]["S"], item["item"]["S"])


def _is_too_large(error: ClientError) -> bool:
    """Tell an item beyond 400 KB (DynamoDB quotas) by the text: any refusal has this code."""
    found = error.response["Error"]
    return found["Code"] == "ValidationException" and "size" in found.get("Message", "").lower()


def _listed(item: Mapping[str, Any]) -> Listed:
    fields = Fields(item)
    if fields.text("item") != JOB:
        raise fields.malformed("item")
    return Listed(
        job_id=fields.text("job_id", JOB_ID),
        status=status_in(fields),
        created_at=fields.timestamp("created_at"),
        items=fields.whole("items", MAX_ITEMS, least=1),
        tasks=fields.whole("tasks", MAX_ITEMS),
        finished_at=fields.timestamp("finished_at") if fields.has("finished_at") else None,
    )
