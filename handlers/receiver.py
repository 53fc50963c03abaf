"""TaskReceiver: `PUT /v1/new-task` makes a job durable and queues it, however often it is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchctl.contract.job_record import JobRecord
from batchctl.contract.statuses import Status
from handlers import wiring
from handlers.http.front_door import FrontDoor, reply
from handlers.http.request import parse
from handlers.log import logger

if TYPE_CHECKING:
    from aws_lambda_powertools.event_handler import Response
    from aws_lambda_powertools.utilities.typing import LambdaContext

front_door = FrontDoor()
routes = front_door.routes


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer an event of a load balancer or of API Gateway."""
    return front_door.answer(event, context)


@routes.put("/v1/new-task")
def put_new_task() -> Response[object]:
    """Take a job: 202 when it was queued now, 200 when it was before, 409 for other content.

    Or a part of one: 202 until all are there, then as for a job.
    """
    task = parse(routes.current_event)
    logger.append_keys(job_id=task.job_id)
    received = wiring.receiver().receive(task)
    job = received.job
    if received.parts is not None:
        logger.info("part", parts=received.parts, of=job.parts)
        return reply(202, _progress(job, received.parts))
    logger.info("queued" if received.is_new else "known", items=job.items, tasks=job.tasks)
    return reply(202 if received.is_new else 200, _summary(job))


def _progress(job: JobRecord, received: int) -> dict[str, object]:
    return {"job_id": job.job_id, "parts": {"received": received, "of": job.parts}}


def _summary(job: JobRecord) -> dict[str, object]:
    return {
        "job_id": job.job_id,
        "status": Status.QUEUED if job.status is Status.RECEIVING else job.status,
        "tasks": job.tasks,
        "href": f"/v1/tasks/{job.job_id}",
    }
