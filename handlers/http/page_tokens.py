"""`next`: where a page of jobs or results begins, opaque to clients, checked when it comes back."""

from __future__ import annotations

import base64
import json
from typing import Any

from batchctl.contract.limits import JOB_ID, MAX_ITEM_BYTES, MAX_ITEMS
from batchctl.contract.table import JOB, MAX_SORT_KEY_BYTES
from batchctl.contract.timestamps import TIMESTAMP
from handlers.http.front_door import RequestError
from handlers.store.listing import ListCursor

MAX_PARTITION_KEY_BYTES = 2048
"""DynamoDB quotas, "Partition keys and sort keys"."""


def with_next(body: dict[str, object], token: str | None) -> dict[str, object]:
    """Return an answer that says where the next page begins, if there is one."""
    return body if token is None else {**body, "next": token}


def list_token(cursor: ListCursor | None) -> str | None:
    """Make a cursor of the list opaque; one at what is no job of ours has a form of its own."""
    if cursor is None:
        return None
    if _is_ours(cursor):
        return _encoded([cursor.created_at, cursor.job_id])
    return _encoded([{"after": [cursor.created_at, cursor.job_id, cursor.item]}])


def _is_ours(cursor: ListCursor) -> bool:
    is_timestamp = TIMESTAMP.fullmatch(cursor.created_at)
    return bool(is_timestamp and JOB_ID.fullmatch(cursor.job_id) and cursor.item == JOB)


def list_cursor(token: str | None) -> ListCursor | None:
    """Read what `list_token` made; raises RequestError (400) for anything else."""
    if token is None:
        return None
    match _untoken(token):
        case [str(created_at), str(job_id)] if _is_ours(ListCursor(created_at, job_id)):
            return ListCursor(created_at, job_id)
        case [{"after": [str(created_at), str(job_id), str(item)]}] if (
            _is_key(created_at, MAX_SORT_KEY_BYTES)
            and _is_key(job_id, MAX_PARTITION_KEY_BYTES)
            and _is_key(item, MAX_SORT_KEY_BYTES)
        ):
            return ListCursor(created_at, job_id, item)
    raise RequestError(400, "is not a `next` of this list", "next")


def result_token(after: str | None) -> str | None:
    """Make the item after which more results begin opaque."""
    return None if after is None else _encoded([after])


def result_cursor(token: str | None) -> str | None:
    """Read what `result_token` made; raises RequestError (400) for anything else."""
    if token is None:
        return None
    match _untoken(token):
        case [str(item)] if _is_key(item, MAX_ITEM_BYTES):
            return item
        case [""]:
            return ""  # nobody's item, but a container may have written a result of it
    raise RequestError(400, "is not a `next` of these results", "next")


def index_token(index: int | None) -> str | None:
    """Make the index at which more of the universe begins opaque."""
    return None if index is None else _encoded([index])


def index_cursor(token: str | None) -> int:
    """Read what `index_token` made, 0 without one; raises RequestError (400) for anything else."""
    if token is None:
        return 0
    match _untoken(token):
        case [int(index)] if not isinstance(index, bool) and 0 <= index < MAX_ITEMS:
            return index
    raise RequestError(400, "is not a `next` of these results", "next")


def _is_key(value: str, most_bytes: int) -> bool:
    """Whether DynamoDB would take a string as a key of an item."""
    try:
        return 0 < len(value.encode()) <= most_bytes
    except UnicodeEncodeError:
        return False


def _encoded(cursor: list[Any]) -> str:
    """Write JSON in URL-safe base64, without padding."""
    return base64.urlsafe_b64encode(json.dumps(cursor).encode()).decode().rstrip("=")


def _untoken(token: str) -> object:
    """Read what `_encoded` made; `None` for anything else."""
    try:
        return json.loads(base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True))
    except (ValueError, RecursionError):
        return None
