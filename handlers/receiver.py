"""TaskReceiver: `PUT /v1/new-task` makes a job durable and queues it, however often it is sent.

The JOB record comes first, by a conditional put and in the status RECEIVING: from then on the
job_id belongs to this content, and a request with other content is refused. Then the universe, then
the SQS message, and last the status QUEUED. A receiver that died in between leaves RECEIVING
behind, which no reader is shown, and the client's retry goes all the way again: every step may be
repeated. As the message is only sent when the universe is complete, it is the splitter's proof that
it is.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from handlers import clients
from handlers.http.front_door import FrontDoor, RequestError, UnavailableError, reply
from handlers.http.request import NewTask, parse
from handlers.keeping import items_expiry, keeping_of
from handlers.log import logger
from handlers.record import JobRecord, Status, timestamp
from handlers.store.batch_write import WriteRefusedError
from handlers.store.jobs import JobTable
from handlers.store.universe import Universe

if TYPE_CHECKING:
    from aws_lambda_powertools.event_handler import Response
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_sqs import SQSClient

front_door = FrontDoor()
routes = front_door.routes


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer an event of a load balancer or of API Gateway."""
    return front_door.answer(event, context)


@routes.put("/v1/new-task")
def put_new_task() -> Response[object]:
    """Take a job: 202 when it was queued now, 200 when it was before, 409 for other content."""
    task = parse(routes.current_event)
    logger.append_keys(job_id=task.job_id)
    job, queued = receiver().receive(task)
    logger.info("queued" if queued else "known", items=job.items, tasks=job.tasks)
    return reply(202 if queued else 200, _summary(job))


def _summary(job: JobRecord) -> dict[str, object]:
    return {
        "job_id": job.job_id,
        "status": Status.QUEUED if job.status is Status.RECEIVING else job.status,
        "tasks": job.tasks,
        "href": f"/v1/tasks/{job.job_id}",
    }


@dataclass(frozen=True)
class Receiver:
    """Makes jobs durable. `clock` gives seconds since the epoch."""

    table: JobTable
    universe: Universe
    sqs: SQSClient
    queue_url: str
    items_per_task: int
    clock: Callable[[], float]

    def receive(self, task: NewTask) -> tuple[JobRecord, bool]:
        """Give the job's record, and whether this request queued it (else it was queued before).

        Raises RequestError (409) when the job_id belongs to other content, UnavailableError when
        the table doesn't take the universe.
        """
        job = self.table.create(self._record(task))
        if self.table.is_past_keeping(job.finished_at):
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
            self.universe.write(job.job_id, task.universe, expires_at=items_expiry(job.expires_at))
        except WriteRefusedError as error:
            raise UnavailableError from error
        self._queue(job.job_id)
        return job, True

    def _queue(self, job_id: str) -> None:
        self.sqs.send_message(QueueUrl=self.queue_url, MessageBody=json.dumps({"job_id": job_id}))
        self.table.accept(job_id)

    def _record(self, task: NewTask) -> JobRecord:
        now = self.clock()
        return JobRecord(
            job_id=task.job_id,
            status=Status.RECEIVING,
            created_at=timestamp(now),
            items=len(task.universe),
            items_per_task=self.items_per_task,
            content_hash=task.content_hash,
            parameters=task.parameters,
            expires_at=self.table.keeping.expiry(now),
        )


@cache
def receiver() -> Receiver:
    """Give the receiver that the function's environment describes."""
    table = os.environ["TABLE"]
    return Receiver(
        table=JobTable(clients.dynamodb(), table, keeping_of(os.environ)),
        universe=Universe(clients.dynamodb(), table, time.sleep),
        sqs=clients.sqs(),
        queue_url=os.environ["QUEUE_URL"],
        items_per_task=int(os.environ["ITEMS_PER_TASK"]),
        clock=time.time,
    )
