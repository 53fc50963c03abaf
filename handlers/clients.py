"""The AWS clients of the functions: made at their first use and kept as long as the function lives.

Timeouts are short: a call that hangs must not use up the function's time. DynamoDB and SQS retry by
botocore's standard mode. SubmitJob has no idempotency token (AWS Batch API reference, SubmitJob),
and botocore would send it again after a 5xx or a lost answer: it has a client that never does.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

CONNECT_TIMEOUT_S = 3
READ_TIMEOUT_S = 10
TRIES = 4


@cache
def dynamodb() -> DynamoDBClient:
    """Give the DynamoDB client; it checks no parameters: with a big universe that takes seconds."""
    return boto3.client("dynamodb", config=_config(TRIES, parameter_validation=False))


@cache
def sqs() -> SQSClient:
    """Give the SQS client."""
    return boto3.client("sqs", config=_config(TRIES))


@cache
def batch() -> BatchClient:
    """Give the Batch client for calls that may be repeated: everything but SubmitJob."""
    return boto3.client("batch", config=_config(TRIES))


@cache
def batch_once() -> BatchClient:
    """Give the Batch client that sends a request once, whatever happens: for SubmitJob."""
    return boto3.client("batch", config=_config(1))


def _config(tries: int, *, parameter_validation: bool = True) -> Config:
    return Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"mode": "standard", "total_max_attempts": tries},
        parameter_validation=parameter_validation,
    )
