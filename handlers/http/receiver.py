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
from dataclasses import dataclass, replace

from batchctl.contract.job_record import JobRecord
from batchctl.contract.statuses import Status
from batchctl.contract.table import items_per_chunk
from batchctl.contract.timestamps import timestamp
from handlers.batch.messages import Messages
from handlers.http.front_door import RequestError, UnavailableError
from handlers.http.request import NewTask
from handlers.http.slicing import Slicing
from handlers.http.upload import Uploads, expiry, upload_hash
from handlers.store.batch_write import WriteRefusedError
from handlers.store.jobs import JobStore

OTHER_CONTENT = "belongs to a job with another universe or parameters"


@dataclass(frozen=True)
class Received:
    """A job, and whether this request queued it or gave it a part (else it was queued before).

    `parts`: so many of its parts are there, and not all; `None`: all of it is.
    """

    job: JobRecord
    is_new: bool
    parts: int | None = None


@dataclass(frozen=True)
class Receiver:
    """Makes jobs durable."""

    store: JobStore
    messages: Messages
    slicing: Slicing

    def receive(self, task: NewTask) -> Received:
        """Take a job, or a part of one; return what became of it.

        Raises RequestError (409) when the job_id belongs to other content, UnavailableError when
        the table doesn't take the universe.
        """
        job = self.store.create(self._record(task))
        if self.store.is_past_retention(job.finished_at):
            raise RequestError(
                409, "belonged to a job that is kept no longer: choose another id", "job_id"
            )
        if job.is_deleting:
            raise RequestError(409, "belongs to a job that is being deleted: try later", "job_id")
        try:
            job, received = self._with_universe(job, task)
        except WriteRefusedError as error:
            raise UnavailableError from error
        if received is not None:
            return Received(job, is_new=True, parts=received)
        if job.status is not Status.RECEIVING:
            self._queue_again(job)
            return Received(job, is_new=False)
        self._queue(job.job_id)
        return Received(job, is_new=True)

    def _with_universe(self, job: JobRecord, task: NewTask) -> tuple[JobRecord, int | None]:
        """Write the universe of a job that is being received, or a part of it.

        Returns the record, and of how many parts that is known where some are missing.
        """
        if job.parameters != task.parameters:
            raise RequestError(409, OTHER_CONTENT, "job_id")
        if task.part is not None:
            taken = Uploads(self.store, self.slicing).take(job, task, task.part)
            return taken.job, taken.received
        if job.content_hash != task.content_hash:
            raise RequestError(409, OTHER_CONTENT, "job_id")
        if job.status is Status.RECEIVING and job.parts is None:
            self.store.universe.write(job, task.universe, task.own)
        return job, None

    def _queue(self, job_id: str) -> None:
        self.messages.send(job_id)
        self.store.accept(job_id)

    def _queue_again(self, job: JobRecord) -> None:
        """Send the message of a job again that has been waiting for so long that it may be lost."""
        if self.store.queue_again(job):
            self.messages.send(job.job_id)

    def _record(self, task: NewTask) -> JobRecord:
        now, items = self.store.clock(), len(task.universe)
        record = self._whole_record(task, now, items)
        if task.part is None:
            return record
        # What the whole universe is, is known when all parts are there.
        return replace(
            record,
            content_hash=upload_hash(task.parameters, task.part.of),
            expires_at=expiry(now),
            max_failures=None,
            parts=task.part.of,
        )

    def _whole_record(self, task: NewTask, now: float, items: int) -> JobRecord:
        return JobRecord(
            job_id=task.job_id,
            status=Status.RECEIVING,
            created_at=timestamp(now),
            items=items,
            items_per_task=self.slicing.items_per_task_of(task.options, items),
            content_hash=task.content_hash,
            parameters=task.parameters,
            expires_at=self.store.retention.expiry(now),
            token=secrets.token_hex(16),
            items_per_chunk=items_per_chunk(task.universe, task.own),
            max_failures=task.options.failures_allowed(items),
            share=task.options.share,
            priority=task.options.priority,
        )
