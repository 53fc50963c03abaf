"""Processes that die, or that something happens to, at a call of their own to AWS."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from batch_double import BatchDouble
from surroundings import QUEUE_ARN, Clock, a_store

from batchctl.contract.batch_jobs import BatchJob
from batchctl.contract.job_record import JobRecord
from batchctl.contract.statuses import Status
from batchctl.contract.timestamps import timestamp
from handlers import clients
from handlers.batch.messages import Messages
from handlers.batch.split_lease import SplitLeases
from handlers.batch.splitter import Splitter
from handlers.batch.submission import Submission
from handlers.batch.termination import Marker, Terminator
from handlers.http.receiver import Received, Receiver
from handlers.http.request import NewTask
from handlers.http.slicing import Slicing
from handlers.store.jobs import JobStore

# So long that 62 make a chunk, and one more than BatchWriteItem takes in 25 chunks.
ITEMS = [f"{number:06d}" + "浦" * 250 for number in range(25 * 62 + 1)]
TASK = NewTask("demo-1", ITEMS, "{}", "hash")
RECEIVER_CALLS = 5  # PutItem, two BatchWriteItems, SendMessage, UpdateItem
SPLITTER_CALLS = 7  # read, take the lease; submit and record, twice; finish
NEVER = 100

# A death before a call is one after the call before it, as far as anybody else sees.
before_or_after = pytest.mark.parametrize(
    "after", [pytest.param(False, marks=pytest.mark.exhaustive), True]
)


class Killed(BaseException):
    """The process ends here; no handler catches it."""


def die() -> None:
    raise Killed


@dataclass
class Fate:
    """What happens before or after one call, counted from 0, of a process: by default its death."""

    call: int = NEVER
    after: bool = False
    happen: Callable[[], None] = die
    calls: Iterator[int] = field(default_factory=itertools.count)


class Mortal:
    """A client of a process that goes as fate has it."""

    def __init__(self, client: Any, fate: Fate) -> None:
        self._client = client
        self._fate = fate

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if name in ("exceptions", "meta"):
            return found
        if name == "get_paginator":
            return lambda operation: Mortal(found(operation), self._fate)

        def call(**request: Any) -> Any:
            fate = self._fate
            mine = next(fate.calls)  # atomic: the universe is written by threads
            if mine == fate.call and not fate.after:
                fate.happen()
            answer = list(found(**request)) if name == "paginate" else found(**request)
            if mine == fate.call and fate.after:
                fate.happen()
            return answer

        return call


@dataclass
class World:
    """Everything that outlives a process."""

    queue_url: str
    batch: BatchDouble
    clock: Clock

    def receive(self, fate: Fate, task: NewTask = TASK) -> Received:
        table: Any = Mortal(clients.dynamodb(), fate)
        sqs: Any = Mortal(clients.sqs(), fate)
        messages = Messages(sqs, self.queue_url)
        return Receiver(a_store(table, self.clock), messages, Slicing(1)).receive(task)

    def split(self, owner: str, fate: Fate) -> None:
        table: Any = Mortal(clients.dynamodb(), fate)
        batch: Any = Mortal(self.batch, fate)
        submission = Submission(
            batch, batch, QUEUE_ARN, "batchapp-compute", self.clock.sleep, "batchapp"
        )
        store = a_store(table, self.clock)
        Splitter(
            SplitLeases(store),
            submission,
            Terminator(store, submission, batch, Marker(submission, batch)),
        ).split("demo-1", owner, 60_000)

    def queue(self) -> None:
        """Have a job of two parts QUEUED (its universe is no matter to the splitter)."""
        table = a_store(clients.dynamodb(), self.clock)
        created_at = timestamp(self.clock())
        table.create(JobRecord("demo-1", Status.RECEIVING, created_at, 10_001, 1, "hash"))
        table.accept("demo-1")

    def messages(self) -> Iterator[Any]:
        sqs = clients.sqs()
        while received := sqs.receive_message(QueueUrl=self.queue_url).get("Messages"):
            for message in received:
                sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
                yield json.loads(message["Body"])

    def check(self, table: JobStore) -> None:
        """There is one Batch job for every part, and the record knows them all."""
        job = table.read("demo-1")
        assert job is not None
        assert job.status is Status.SUBMITTED
        assert self.batch.names() == [spec.name for spec in job.batch_job_specs]
        assert job.batch_jobs == tuple(
            BatchJob(batch_id, spec.first_task, spec.tasks)
            for batch_id, spec in zip(self.batch.jobs, job.batch_job_specs, strict=True)
        )
