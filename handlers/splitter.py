"""JobSplitter: takes job_ids from SQS and has each job submitted to AWS Batch.

SQS delivers at least once. A message that fails comes again by itself, and after some times goes to
the dead-letter queue.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)

from batchctl.contract.limits import is_job_id
from handlers import wiring
from handlers.log import logger
from handlers.store.malformed import reporting_skipped

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

# The answer names a batch of which every message failed, too: an exception would say no more.
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
        wiring.splitter().split(
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
    if not isinstance(job_id, str) or not is_job_id(job_id):
        raise PoisonMessageError(body[:200])
    return job_id
