"""JobSplitter: takes job_ids from SQS and submits each job to AWS Batch, exactly once.

SQS delivers at least once, and an invocation may die at any moment. The lease on the JOB record
keeps two invocations apart; what is submitted is recorded at once; and an invocation that finds the
lease of another looks every Batch job up by its name before it submits it. A message that fails
comes again by itself, and after some times goes to the dead-letter queue.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)

from handlers import clients
from handlers.batch.split_lease import Lease, LeaseTable
from handlers.batch.submission import Submission, submission_of
from handlers.batch.termination import Marker, Stopper
from handlers.log import logger
from handlers.malformed import reporting_skipped
from handlers.record import JOB_ID, Status, cut
from handlers.store.jobs import JobTable

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

# A batch of which every message failed is told in the answer, too: an exception would say no more.
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Split the jobs of an SQS event; the answer names the messages that failed."""
    with reporting_skipped():
        return process_partial_response(event, split_message, processor, context)


def split_message(record: SQSRecord, lambda_context: LambdaContext) -> None:
    """Split the job that a message names; whatever this raises fails this message alone."""
    job_id = _job_id(record.body)
    logger.append_keys(job_id=job_id)
    try:
        splitter().split(
            job_id, lambda_context.aws_request_id, lambda_context.get_remaining_time_in_millis()
        )
    except Exception:
        logger.exception("message failed: it comes again")
        raise
    finally:
        logger.remove_keys(["job_id"])


class PoisonMessageError(Exception):
    """A message that no receiver of ours has sent."""


def _job_id(body: str) -> str:
    try:
        job_id = json.loads(body)["job_id"]
    except (ValueError, KeyError, TypeError) as error:
        raise PoisonMessageError(body[:200]) from error
    if not isinstance(job_id, str) or not JOB_ID.fullmatch(job_id):
        raise PoisonMessageError(body[:200])
    return job_id


@dataclass(frozen=True)
class Splitter:
    """Submits jobs under a lease."""

    leases: LeaseTable
    submission: Submission
    stopper: Stopper

    def split(self, job_id: str, owner: str, remaining_ms: int) -> None:
        """Submit what is left of a job, for an invocation `owner` that ends in `remaining_ms`.

        Does nothing when the job is past that (submitted, ended). Of one that was cancelled it
        ends what was submitted: its splitter may have died before it could.
        """
        lease = self.leases.take(job_id, owner, remaining_ms)
        if lease is None:
            logger.info("nothing to split")
            self.stopper.stop_if_cancelled(job_id)
            return
        if self._submit_rest(lease):
            self.leases.finish(lease)
            logger.info("submitted", tasks=lease.job.tasks)

    def _submit_rest(self, lease: Lease) -> bool:
        """Submit the Batch jobs that aren't recorded; `False` when the job was taken back."""
        job, batch_jobs = lease.job, lease.job.batch_jobs
        for part in cut(job)[len(batch_jobs) :]:
            found = self.submission.find(job, part) if lease.resumed else None
            batch_jobs = (*batch_jobs, found or self.submission.submit(job, part))
            if self.leases.record(lease, batch_jobs) is not Status.QUEUED:
                logger.info("taken back while it was split", batch_jobs=len(batch_jobs))
                self.stopper.stop_if_cancelled(job.job_id)
                return False
        return True


@cache
def splitter() -> Splitter:
    """Give the splitter that the function's environment describes."""
    leases = LeaseTable(clients.dynamodb(), os.environ["TABLE"], time.time)
    jobs = JobTable(clients.dynamodb(), os.environ["TABLE"])
    submission = submission_of(os.environ)
    marker = Marker(submission, clients.batch())
    return Splitter(leases, submission, Stopper(jobs, submission, clients.batch(), marker))
