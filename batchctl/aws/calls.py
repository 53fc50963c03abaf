"""The log of AWS calls: a line for each try of each call, and what is secret in them learned.

It listens to the session's own events, which all its clients inherit, those with which botocore
fetches credentials included (boto3 developer guide, "Extensibility guide").
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from botocore import UNSIGNED

from batchctl.aws.secrets import SECRETS

if TYPE_CHECKING:
    import boto3

logger = logging.getLogger(__name__)

LONGEST_NAME = 120
_STARTED, _CALL = "batchctl.started", "batchctl.call"
_attempt: ContextVar[int] = ContextVar("attempt", default=1)


def log_calls(session: boto3.Session) -> None:
    """Log the calls of all clients that the session makes from now on; again is no harm."""
    for event, handler in (
        ("provide-client-params", _begin),
        ("before-sign", _learn_credentials),
        ("after-call", _end),
        ("after-call-error", _fail),
    ):
        session.events.register(event, handler, unique_id=f"batchctl-{event}")


@contextmanager
def attempt(number: int) -> Iterator[None]:
    """Say which try of a call the block makes, 1 for the first."""
    token = _attempt.set(number)
    try:
        yield
    finally:
        _attempt.reset(token)


def _begin(params: Any, model: Any, context: dict[str, Any], **_: Any) -> None:
    context[_STARTED] = time.monotonic()
    service = model.service_model.endpoint_prefix
    context[_CALL] = f"{service}.{model.name} {_resource(params, model) or '-'}"


def _learn_credentials(request_signer: Any, signature_version: Any, **_: Any) -> None:
    credentials = vars(request_signer).get("_credentials")
    if credentials is not None and signature_version is not UNSIGNED:
        # Signing does the same in a moment, so this renews nothing that wouldn't be renewed.
        frozen = credentials.get_frozen_credentials()
        SECRETS.learn(frozen.secret_key, frozen.token)


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
    logger.debug("%s: %s, %.0f ms, attempt %d", context[_CALL], outcome, took_ms, _attempt.get())


def _resource(params: Any, model: Any) -> str:
    """Return what a call is about: the first of its parameters that is a name, required ones first.

    Values that AWS's own model calls sensitive are never taken.
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
