"""JobTracker: brings Batch's state changes from EventBridge into the table; cancels and retries.

A request to cancel or retry is the event of a synchronous invocation: `batchctl.contract.control`
says how it looks, and why it is no part of the HTTP API.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from batchctl.contract.control import Action, RefusedError, Request, parse
from batchctl.contract.fields import MalformedItemError
from batchctl.contract.job_record import JobRecord
from handlers import wiring
from handlers.log import logger
from handlers.store.malformed import reporting_skipped
from handlers.tracking.monitor import Progress
from handlers.tracking.retry import Invocation

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

DELETING_S = 30.0
"""So long one call deletes: who asks for it waits a minute at most, and asks again."""

MARGIN_MS = 30_000
"""What is done in stretches stops so long before the function's time is over."""


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, object] | None:
    """Take in an event of AWS Batch, or carry out a request and return its answer.

    An event that was failed before may come back in what Lambda sent to the dead letters: it is the
    `requestPayload` there (Lambda Developer Guide, "Capturing records of Lambda asynchronous
    invocations").
    """
    with reporting_skipped():
        return _handle(event.get("requestPayload", event), context)


def _handle(event: dict[str, Any], context: LambdaContext) -> dict[str, object] | None:
    remaining_ms = context.get_remaining_time_in_millis()
    deadline = time.monotonic() + (remaining_ms - MARGIN_MS) / 1000
    if event.get("source") == "aws.batch":
        wiring.tracker().track(event, deadline)
        return None
    try:
        request = parse(event)
        logger.append_keys(job_id=request.job_id)
        return _carry_out(request, Invocation(context.aws_request_id, remaining_ms), deadline)
    except RefusedError as refused:
        logger.info("refused", code=refused.code, error=refused.error)
        return refused.answer()
    except MalformedItemError as error:
        logger.warning("refused", code=409, error=str(error))
        return RefusedError(
            409, f"the record of job `{request.job_id}` is damaged: {error}"
        ).answer()


def _carry_out(request: Request, invocation: Invocation, deadline: float) -> dict[str, object]:
    if request.action is Action.CANCEL:
        progress = wiring.canceller().cancel(request.job_id, deadline)
        logger.info("cancelled")
        return _cancelled(request.job_id, progress)
    if request.action is Action.DELETE:
        until = min(deadline, time.monotonic() + DELETING_S)
        deleted = wiring.deleter().delete(request.job_id, until)
        logger.info("deleted" if deleted else "deleting")
        return {"job_id": request.job_id, "deleted": deleted}
    job = wiring.retrier().retry(request, invocation, deadline)
    logger.info("retried", attempt=job.run, items=job.items_to_do)
    return _retried(job)


def _cancelled(job_id: str, progress: Progress) -> dict[str, object]:
    return {"job_id": job_id, "status": progress.status, "tasks": progress.counts.shown()}


def _retried(job: JobRecord) -> dict[str, object]:
    return {
        "job_id": job.job_id,
        "status": job.status,
        "attempt": job.run,
        "items": job.items_to_do,
        "tasks": job.tasks,
    }
