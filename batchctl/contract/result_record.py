"""RESULT#<item>, how an item ended: written by the runner or the tracker, read by the JobAPI."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from batchctl.contract.fields import MAX_COUNT, MAX_SECONDS, Fields
from batchctl.contract.retention import expiry_attribute
from batchctl.contract.statuses import ItemStatus
from batchctl.contract.table import (
    SORT_KEY,
    Item,
    decimal,
    item_of,
    key,
    number,
    result_key,
    text,
)

REASON = re.compile(r"[A-Z_]{1,40}")
"""The form of a reason: one that a newer version has is read by an older one, too."""

MAX_EXIT_CODE = 2**32


@dataclass(frozen=True)
class ResultRecord:
    """How an item ended: with a `result`, a text of JSON, or with an `error` and a `reason`.

    `attempts` counts the tries, or where the container recorded nothing, how often the task was
    started; `seconds` is the wall time of the last one.
    """

    item: str
    status: ItemStatus
    result: str | None = None
    error: str | None = None
    reason: str | None = None
    exit_code: int | None = None
    attempts: int | None = None
    seconds: float | None = None

    def as_item(self, job_id: str, expires_at: int | None) -> Item:
        """Return it in DynamoDB's form; it is deleted after `expires_at`, epoch seconds."""
        return {
            **key(job_id, result_key(self.item)),
            **expiry_attribute(expires_at),
            "status": text(self.status),
            **_texts(result=self.result, error=self.error, reason=self.reason),
            **({} if self.exit_code is None else {"exit_code": number(self.exit_code)}),
            **({} if self.attempts is None else {"attempts": number(self.attempts)}),
            **({} if self.seconds is None else {"seconds": decimal(self.seconds)}),
        }


def from_item(item: Mapping[str, Any]) -> ResultRecord:
    """Read an item in DynamoDB's form; raises MalformedItemError."""
    fields = Fields(item)
    return ResultRecord(
        item=item_of(fields.text(SORT_KEY)),
        status=status_in(fields),
        result=fields.text("result") if fields.has("result") else None,
        error=fields.text("error") if fields.has("error") else None,
        reason=fields.text("reason", REASON) if fields.has("reason") else None,
        exit_code=_exit_code(fields),
        attempts=fields.whole("attempts", MAX_COUNT) if fields.has("attempts") else None,
        seconds=fields.decimal("seconds", MAX_SECONDS) if fields.has("seconds") else None,
    )


def status_in(fields: Fields) -> ItemStatus:
    """Read the attribute `status` of a result; raises MalformedItemError."""
    found = fields.text("status")
    if found not in set(ItemStatus):
        raise fields.malformed("status")
    return ItemStatus(found)


def _exit_code(fields: Fields) -> int | None:
    if not fields.has("exit_code"):
        return None
    return fields.whole("exit_code", MAX_EXIT_CODE, least=-MAX_EXIT_CODE)


def _texts(**values: str | None) -> Item:
    return {name: text(value) for name, value in values.items() if value is not None}
