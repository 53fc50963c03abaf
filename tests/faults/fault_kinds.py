"""What can go wrong with a call, in the form in which it meets boto3's users."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError, ConnectionClosedError
from crash_branches import Call

# Each service's own way to say "too many requests" (the services' API references, "Common
# errors"; botocore, retries/standard.py): its code and its HTTP status.
THROTTLING = {
    "apigateway": ("TooManyRequestsException", 429),
    "batch": ("TooManyRequestsException", 429),
    "dynamodb": ("ThrottlingException", 400),
    "ec2": ("RequestLimitExceeded", 503),
    "ecr": ("ThrottlingException", 400),
    "elbv2": ("Throttling", 400),
    "events": ("ThrottlingException", 400),
    "iam": ("Throttling", 400),
    "lambda": ("TooManyRequestsException", 429),
    "logs": ("ThrottlingException", 400),
    "sqs": ("RequestThrottled", 403),
    "sts": ("Throttling", 400),
}


def throttled(operation: str) -> ClientError:
    """The service takes no more requests for now."""
    code, status = THROTTLING[operation.partition(".")[0]]
    return _error(operation, code, "Rate exceeded", status)


def broken(operation: str) -> ClientError:
    """The service fails."""
    return _error(operation, "InternalFailure", "An internal error occurred", 500)


def closed(operation: str) -> ConnectionClosedError:
    """The connection ends before an answer."""
    return ConnectionClosedError(endpoint_url=f"https://{operation}.example")


def expired(operation: str) -> ClientError:
    """The credentials are no longer good."""
    message = "The security token included in the request is expired"
    return _error(operation, "ExpiredTokenException", message, 403)


def _error(operation: str, code: str, message: str, status: int) -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, operation.partition(".")[2])


@dataclass(frozen=True)
class Fault:
    """An error that meets the next `times` calls of an operation, before or after their effect."""

    name: str
    error: Callable[[str], Exception]
    times: int = 1
    after_effect: bool = False

    def strike(self, operation: str, call: Call) -> Any:
        """Fail as this fault does; a call that AWS refuses is refused as ever."""
        if self.after_effect:
            call()
        raise self.error(operation)


FAULTS = (
    Fault("throttled", throttled, times=3),
    Fault("a 500", broken, times=2),
    Fault("closed before it was done", closed),
    Fault("a 500 when it was done", broken, after_effect=True),
    Fault("closed when it was done", closed, after_effect=True),
)
