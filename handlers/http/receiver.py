"""Makes a job durable and queues it, however often it is sent.

The JOB record comes first, by a conditional put and in the status RECEIVING: from then on the
job_id belongs to this content, and a request with other content is refused. Then the universe, then
the SQS message, and last the status QUEUED. A receiver that died in between leaves RECEIVING
behind, which no reader is shown, and the client's retry goes all the way again: every step may be
repeated. As the message is only sent when the universe is complete, it is the splitter's proof that
it is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from batchctl.contract.job_record import JobRecord
from batchctl.contract.retention import items_expiry
from batchctl.contract.statuses import Status
from batchctl.contract.timestamps import timestamp
from handlers.http.front_door import RequestError, UnavailableError
from handlers.http.request import NewTask
from handlers.store.batch_write import WriteRefusedError
from handlers.store.jobs import JobStore

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True)
class Receiver:
    """Makes jobs durable."""

    store: JobStore
    sqs: SQSClient
    queue_url: str
    items_per_task: int

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
            return job, False
        try:
            self.store.universe.write(
                job.job_id, task.universe, expires_at=items_expiry(job.expires_at)
            )
        except WriteRefusedError as error:
            raise UnavailableError from error
        self._queue(job.job_id)
        return job, True

    def _queue(self, job_id: str) -> None:
        self.sqs.send_message(QueueUrl=self.queue_url, MessageBody=json.dumps({"job_id": job_id}))
        self.store.accept(job_id)

    def _record(self, task: NewTask) -> JobRecord:
        now = self.store.clock()
        return JobRecord(
            job_id=task.job_id,
            status=Status.RECEIVING,
            created_at=timestamp(now),
            items=len(task.universe),
            items_per_task=self.items_per_task,
            content_hash=task.content_hash,
            parameters=task.parameters,
            expires_at=self.store.retention.expiry(now),
        )
