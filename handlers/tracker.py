"""JobTracker: takes in Batch's state changes from EventBridge, and people's commands.

A command is the event of a synchronous invocation: `{"action": "cancel", "job_id"}` or
`{"action": "retry", "job_id", "memory_mib": int | null, "on_demand": bool}`. It is no part of the
HTTP API, which may be open to everyone: who may invoke this function may change jobs. A refusal
answers `{"error", "code"}`, with a code as of HTTP.
"""

from __future__ import annotations

import os
import time
from functools import cache
from typing import TYPE_CHECKING, Any

from handlers import clients
from handlers.batch.submission import submission_of
from handlers.batch.termination import HandOver, Stopper
from handlers.commands import Command, RefusedError, parse
from handlers.keeping import keeping_of
from handlers.log import logger
from handlers.malformed import MalformedItemError, reporting_skipped
from handlers.record import JobRecord
from handlers.tracking.cancel import Canceller
from handlers.tracking.events import Tracker
from handlers.tracking.monitor import Monitor, Progress, monitor_of
from handlers.tracking.retry import Call, Retrier
from handlers.tracking.retry_lease import ClaimTable

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

MARGIN_MS = 30_000
"""What is done in stretches stops so long before the function's time is over."""


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, object] | None:
    """Take in an event of AWS Batch, or carry out a command and give its answer.

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
        tracker().track(event, deadline)
        return None
    try:
        command = parse(event)
        logger.append_keys(job_id=command.job_id)
        return _carry_out(command, Call(context.aws_request_id, remaining_ms), deadline)
    except RefusedError as refused:
        logger.info("refused", code=refused.code, error=refused.error)
        return {"error": refused.error, "code": refused.code}
    except MalformedItemError as error:
        logger.warning("refused", code=409, error=str(error))
        return {"error": f"the record of job `{command.job_id}` is damaged: {error}", "code": 409}


def _carry_out(command: Command, call: Call, deadline: float) -> dict[str, object]:
    if command.action == "cancel":
        progress = canceller().cancel(command.job_id, deadline)
        logger.info("cancelled")
        return _cancelled(command.job_id, progress)
    job = retrier().retry(command, call, deadline)
    logger.info("retried", attempt=job.attempt, items=job.items_to_do)
    return _retried(job)


def _cancelled(job_id: str, progress: Progress) -> dict[str, object]:
    return {"job_id": job_id, "status": progress.status, "tasks": progress.counts.shown()}


def _retried(job: JobRecord) -> dict[str, object]:
    return {
        "job_id": job.job_id,
        "status": job.status,
        "attempt": job.attempt,
        "items": job.items_to_do,
        "tasks": job.tasks,
    }


@cache
def monitor() -> Monitor:
    """Give the monitor of the function's table."""
    return monitor_of(
        clients.dynamodb(), os.environ["TABLE"], clients.batch(), keeping_of(os.environ)
    )


@cache
def tracker() -> Tracker:
    """Give the tracker that the function's environment describes."""
    looks = monitor()
    return Tracker(looks.jobs, looks, looks.explainer, looks.reclaims, clients.batch())


@cache
def stopper() -> Stopper:
    """Give what ends Batch jobs."""
    hand_over = HandOver(clients.sqs(), os.environ["QUEUE_URL"])
    return Stopper(monitor().jobs, submission_of(os.environ), clients.batch(), hand_over)


@cache
def canceller() -> Canceller:
    """Give the canceller that the function's environment describes."""
    return Canceller(monitor().jobs, monitor(), stopper())


@cache
def retrier() -> Retrier:
    """Give the retrier that the function's environment describes."""
    looks = monitor()
    return Retrier(
        jobs=looks.jobs,
        claims=ClaimTable(clients.dynamodb(), os.environ["TABLE"], time.time),
        monitor=looks,
        results=looks.results,
        universe=looks.universe,
        stopper=stopper(),
        sqs=clients.sqs(),
        queue_url=os.environ["QUEUE_URL"],
        has_on_demand="JOB_QUEUE_ON_DEMAND" in os.environ,
    )
