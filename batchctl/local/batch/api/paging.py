"""Pages of a list, with the opaque token that Batch gives for the next one."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from batchctl.local.batch.api.errors import RefusedError

MAX_PAGE = 100
"""Describe and list operations, AWS Batch API Reference: 100 results in one answer."""


def page(name: str, items: Sequence[dict[str, Any]], request: Mapping[str, Any]) -> dict[str, Any]:
    """Return one page of `items` under `name`, with `nextToken` while there is more."""
    start = offset(request)
    end = start + size(request)
    answer: dict[str, Any] = {name: list(items[start:end])}
    if end < len(items):
        answer["nextToken"] = token(end)
    return answer


def size(request: Mapping[str, Any]) -> int:
    """Return how many results the request wants in a page."""
    wanted = request.get("maxResults", MAX_PAGE)
    if not 1 <= wanted <= MAX_PAGE:
        raise RefusedError(f"maxResults must be between 1 and {MAX_PAGE}")
    return int(wanted)


def offset(request: Mapping[str, Any]) -> int:
    """Return where the request's page begins: 0 without a token."""
    if "nextToken" not in request:
        return 0
    try:
        return int(base64.urlsafe_b64decode(request["nextToken"]))
    except (ValueError, binascii.Error) as error:
        raise RefusedError("nextToken is not valid") from error


def token(position: int) -> str:
    """Return the token that names `position` in a list."""
    return base64.urlsafe_b64encode(str(position).encode()).decode()
