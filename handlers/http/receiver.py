"""Makes a job durable and queues it, however often it is sent.

The JOB record comes first, by a conditional put and in the status RECEIVING: from then on the
job_id belongs to this content, and a request with other content is refused. Then the universe, then
the SQS message, and last the status QUEUED. A receiver that died in between leaves RECEIVING
behind, which no reader is shown, and the client's retry goes all the way again: every step may be
repeated. As the message is only sent when the universe is complete, it is the splitter's proof that
it is.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from batchctl.contract.job_options import failures_allowed
from batchctl.contract.job_record import JobRecord
from batchctl.contract.slices import chosen_items_per_task
from batchctl.contract.statuses import Status
from batchctl.contract.table import items_per_chunk
from batchctl.contract.timestamps import timestamp
from handlers.batch.messages import Messages
from handlers.http.front_door import RequestError, UnavailableError
from handlers.http.request import NewTask
from handlers.store.batch_write import WriteRefusedError
from handlers.store.jobs import JobStore


@dataclass(frozen=True)
class Slicing:
    """How large slices are where a job doesn't say it: `items_per_task`, or chosen for each job.

    Chosen by how many tasks can run `at_once`.
    """

    items_per_task: int | None = None
    at_once: int = 1

    def items_per_task_of(self, task: NewTask) -> int:
        """Return how many items each task of a job is to have."""
        if (asked := task.options.items_per_task or self.items_per_task) is not None:
            return asked
        return chosen_items_per_task(len(task.universe), self.at_once)


@dataclass(frozen=True)
class Receiver:
    """Makes jobs durable."""

    store: JobStore
    messages: Messages
    slicing: Slicing

    def receive(self, task: NewTask) -> tuple[JobRecord, bool]:
        """Return the job's record, and whether this request queued it (else it was queued before).

        Raises RequestError (409) when the job_id belongs to other content, UnavailableError when
        the table doesn't take the universe.
        """
        job = self.store.create(self._record(task))
        if self.store.is_past_retention(job.finished_at):
            raise RequestError(
                409, "belonged to a job that is kept no longer: choose another id", "job_id"
            )
        if job.content_hash != task.content_hash:
            raise RequestError(
                409, "belongs to a job with another universe or parameters", "job_id"
            )
        if job.status is not Status.RECEIVING:
            self._queue_again(job)
            return job, False
        try:
            self.store.universe.write(job, task.universe, task.own)
        except WriteRefusedError as error:
            raise UnavailableError from error
        self._queue(job.job_id)
        return job, True

    def _queue(self, job_id: str) -> None:
        self.messages.send(job_id)
        self.store.accept(job_id)

    def _queue_again(self, job: JobRecord) -> None:
        """Send the message of a job again that has been waiting for so long that it may be lost."""
        if self.store.queue_again(job):
            self.messages.send(job.job_id)

    def _record(self, task: NewTask) -> JobRecord:
        now, items, allowed = self.store.clock(), len(task.universe), task.options.max_failures
        return JobRecord(
            job_id=task.job_id,
            status=Status.RECEIVING,
            created_at=timestamp(now),
            items=items,
            items_per_task=self.slicing.items_per_task_of(task),
            content_hash=task.content_hash,
            parameters=task.parameters,
            expires_at=self.store.retention.expiry(now),
            token=secrets.token_hex(16),
            items_per_chunk=items_per_chunk(task.universe, task.own),
            max_failures=None if allowed is None else min(items, failures_allowed(allowed, items)),
            share=task.options.share,
            priority=task.options.priority,
        )
