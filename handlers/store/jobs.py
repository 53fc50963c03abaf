"""The job table: the JOB records themselves, and a way to all else that it holds of a job."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from botocore.exceptions import ClientError

from batchctl.contract.fields import MalformedItemError
from batchctl.contract.job_record import (
    NO_RECLAIMS,
    Failures,
    JobRecord,
    Reclaims,
    Tally,
    failures_value,
    from_item,
    new_item,
)
from batchctl.contract.retention import FOREVER, Retention
from batchctl.contract.statuses import Status
from batchctl.contract.table import (
    LISTING,
    LISTING_KEY,
    Item,
    decimal,
    flag,
    key,
    number,
    text,
)
from batchctl.contract.timestamps import seconds, timestamp
from handlers.store.listing import Listing
from handlers.store.malformed import skipped, well_formed
from handlers.store.parts import Parts
from handlers.store.progress import ProgressRecords
from handlers.store.reclaims import ReclaimRecords
from handlers.store.results import Results
from handlers.store.table import Change, Condition, Table, unchanged
from handlers.store.universe import Universe

NO_TALLY = (
    "tally_after",
    "tally_succeeded",
    "tally_recorded",
    "tally_complete",
    "tally_failures",
    "explained",
)
"""The attributes that are there only while the end of a run is being worked out."""


LOST_S = 120.0
"""A job is submitted within seconds, if nothing is wrong with its message."""

REQUEUE_S = 300.0
"""The message of a job is sent again so often, at most."""


@dataclass(frozen=True)
class RunEnd:
    """How a run of a job ended.

    `succeeded` and `failed` count its tasks, `items_succeeded` and `items_failed` the items of the
    whole job.
    """

    status: Status
    finished_at: str
    succeeded: int
    failed: int
    reclaims: Reclaims = NO_RECLAIMS
    items_succeeded: int = 0
    items_failed: Failures = field(default_factory=dict)


@dataclass(frozen=True)
class JobStore(Table):
    """One job table, whose jobs are kept for the time of `retention`.

    What reads a record raises MalformedItemError where it isn't one; what reads several leaves such
    out.
    """

    retention: Retention = FOREVER

    @property
    def universe(self) -> Universe:
        """The universes of the jobs."""
        return Universe(self)

    @property
    def parts(self) -> Parts:
        """The parts of universes that aren't chunks yet."""
        return Parts(self)

    @property
    def results(self) -> Results:
        """The results of their items."""
        return Results(self)

    @property
    def progress(self) -> ProgressRecords:
        """How far their tasks are."""
        return ProgressRecords(self)

    @property
    def reclaims(self) -> ReclaimRecords:
        """What reclaims cost their tasks."""
        return ReclaimRecords(self)

    @property
    def listing(self) -> Listing:
        """The list of those that are shown."""
        return Listing(self, self.is_past_retention)

    def create(self, job: JobRecord) -> JobRecord:
        """Put the record unless the job_id has one; return the record that is in the table then."""
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
            return self._in_place_of(present, job) if self._is_forgotten(present) else present
        return job

    def _is_forgotten(self, job: JobRecord) -> bool:
        """Whether it is an upload that was never completed, and is over."""
        waits = job.status is Status.RECEIVING and job.parts is not None
        return waits and job.expires_at is not None and job.expires_at < self.clock()

    def _in_place_of(self, forgotten: JobRecord, job: JobRecord) -> JobRecord:
        try:
            self.client.put_item(
                TableName=self.name,
                Item=new_item(job),
                ConditionExpression="#token = :token",
                ExpressionAttributeNames={"#token": "token"},
                ExpressionAttributeValues={":token": text(forgotten.token or "")},
            )
        except self.client.exceptions.ConditionalCheckFailedException:
            return self.read(job.job_id) or job
        return job

    def read(self, job_id: str) -> JobRecord | None:
        """Read a record as of now; `None` when there is none."""
        answer = self.client.get_item(TableName=self.name, Key=key(job_id), ConsistentRead=True)
        return from_item(answer["Item"]) if "Item" in answer else None

    def shown(self, job_id: str) -> JobRecord | None:
        """Read a record as of now; `None` for what nobody is shown.

        That is a job that is still being received, is being deleted, or was kept for as long as it
        may be.
        """
        job = self.read(job_id)
        if job is None or job.status is Status.RECEIVING or job.is_deleting:
            return None
        return None if self.is_past_retention(job.finished_at) else job

    def is_past_retention(self, finished_at: str | None) -> bool:
        """Whether a job that ended then (`None`: it hasn't) is shown no more."""
        return self.retention.is_over(finished_at, self.clock())

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
        self._record(job_id, ACCEPTED, unchanged(Status.RECEIVING))

    def may_be_lost(self, job: JobRecord) -> bool:
        """Whether a job waits to be submitted, and nobody has been at it for some minutes.

        Its message may be lost: with the queue, in the dead letters, or never sent.
        """
        if job.status is not Status.QUEUED:
            return False
        now = self.clock()
        waits = now - seconds(job.queued_at or job.created_at)
        since = math.inf if job.requeued_at is None else now - seconds(job.requeued_at)
        is_leased = job.lease_expires_at is not None and job.lease_expires_at > now * 1000
        return waits > LOST_S and since > REQUEUE_S and not is_leased

    def queue_again(self, job: JobRecord) -> bool:
        """Say in the record that the message of a job is sent again, if it may be lost.

        `False` when it isn't, or somebody else has sent it: then it must not be sent.
        """
        if not self.may_be_lost(job):
            return False
        condition = unchanged(job.status, job.run)
        if job.requeued_at is None:
            condition &= Condition("attribute_not_exists(#requeued_at)", {})
        else:
            before = {":if_requeued_at": text(job.requeued_at)}
            condition &= Condition("#requeued_at = :if_requeued_at", before)
        change = Change({"requeued_at": text(timestamp(self.clock()))})
        return self._record(job.job_id, change, condition)

    def end(self, job: JobRecord, end: RunEnd, condition: Condition | None = None) -> bool:
        """Record the end of a run, CANCELLED as well; `False` when the job has gone on.

        It has when its status or its run is another one than `job` says, or the condition that is
        given doesn't hold.
        """
        sets = {
            "status": text(end.status),
            "finished_at": text(end.finished_at),
            "succeeded": number(end.succeeded),
            "failed": number(end.failed),
            "items_succeeded": number(end.items_succeeded),
            "items_failed": failures_value(end.items_failed),
            **_reclaims(end.reclaims),
        }
        is_same = unchanged(job.status, job.run)
        if condition is not None:
            is_same &= condition
        return self._record(job.job_id, Change(sets, NO_TALLY), is_same)

    def keep_tally(self, job: JobRecord, tally: Tally, failures_recorded: int) -> None:
        """Record how far the results of a run have been counted, its failures recorded."""
        sets = {
            "tally_after": text(tally.after),
            "tally_succeeded": number(tally.succeeded),
            "tally_recorded": number(tally.recorded),
            "tally_complete": flag(tally.complete),
            "tally_failures": failures_value(tally.failures),
            "explained": number(failures_recorded),
        }
        self._record(job.job_id, Change(sets), unchanged(job.status, job.run))

    def keep_reclaims(self, job: JobRecord, reclaims: Reclaims) -> None:
        """Record the reclaims of a run that has ended: an event came after the end."""
        change = Change(_reclaims(reclaims))
        self._record(job.job_id, change, unchanged(job.status, job.run))

    def _record(self, job_id: str, change: Change, condition: Condition) -> bool:
        """Change the record if the condition holds; do nothing, and return `False`, otherwise."""
        try:
            return self.change(job_id, change, condition) is not None
        except ClientError as error:
            # Nobody but a stranger makes a record so large that it can't be changed any more.
            if not _is_too_large(error):
                raise
            skipped.note(MalformedItemError(key(job_id), "it is too large to be changed"))
            return False


ACCEPTED = Change({"status": text(Status.QUEUED), LISTING_KEY: text(LISTING)})
"""A job whose universe is complete is QUEUED, and in the list."""


def _reclaims(reclaims: Reclaims) -> Item:
    return {"reclaims": number(reclaims.count), "reclaim_seconds": decimal(reclaims.seconds)}


def _is_too_large(error: ClientError) -> bool:
    """Tell an item beyond 400 KB (DynamoDB quotas) by the text: any refusal has this code."""
    found = error.response["Error"]
    return found["Code"] == "ValidationException" and "size" in found.get("Message", "").lower()
