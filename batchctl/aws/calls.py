"""The log of AWS calls: a line for each try of each call. Secrets in calls and answers are learned.

It uses the session's events, which all its clients inherit, including those with which botocore
fetches credentials (boto3 developer guide, "Extensibility guide").
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from batchctl.aws.secrets import SECRETS

if TYPE_CHECKING:
    import boto3

logger = logging.getLogger(__name__)

LONGEST_NAME = 120
_STARTED, _CALL = "batchctl.started", "batchctl.call"
_try: ContextVar[int] = ContextVar("try", default=1)


def log_calls(session: boto3.Session) -> None:
    """Log the calls of all clients that the session makes from now on; calling it twice is safe."""
    for event, handler in (
        ("provide-client-params", _begin),
        ("after-call", _end),
        ("after-call-error", _fail),
    ):
        session.events.register(event, handler, unique_id=f"batchctl-{event}")


@contextmanager
def numbered_try(number: int) -> Iterator[None]:
    """Say which try of a call the block makes, 1 for the first."""
    token = _try.set(number)
    try:
        yield
    finally:
        _try.reset(token)


def _begin(params: Any, model: Any, context: dict[str, Any], **_: Any) -> None:
    context[_STARTED] = time.monotonic()
    service = model.service_model.endpoint_prefix
    context[_CALL] = f"{service}.{model.name} {_resource(params, model) or '-'}"


def _end(
    http_response: Any, parsed: Mapping[str, Any], context: Mapping[str, Any], **_: Any
) -> None:
    SECRETS.learn_from(parsed)
    metadata = parsed.get("ResponseMetadata", {})
    code = parsed.get("Error", {}).get("Code", "") if http_response.status_code >= 300 else ""
    status = f"{http_response.status_code} {code}".rstrip()
    _log(context, f"{status}, request {metadata.get('RequestId', 'unknown')}")


def _fail(exception: Exception, context: Mapping[str, Any], **_: Any) -> None:
    _log(context, f"no answer ({type(exception).__name__})")


def _log(context: Mapping[str, Any], outcome: str) -> None:
    took_ms = 1000 * (time.monotonic() - context[_STARTED])
    logger.debug("%s: %s, %.0f ms, attempt %d", context[_CALL], outcome, took_ms, _try.get())


def _resource(params: Any, model: Any) -> str:
    """Return what a call is about: its first parameter that is a name, required ones first.

    Values that AWS's own model marks as sensitive are never used.
    """
    shape = model.input_shape
    if shape is None or not isinstance(params, Mapping):
        return ""
    for member in dict.fromkeys((*shape.required_members, *shape.members)):
        if shape.members[member].metadata.get("sensitive"):
            continue
        value = params.get(member)
        names = [value] if isinstance(value, str) else value
        if isinstance(names, list | tuple) and names and isinstance(names[0], str):
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            return f"{names[0][:LONGEST_NAME]}{more}"
    return ""
