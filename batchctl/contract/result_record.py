"""RESULT#<item>, how an item ended: written by the runner or the tracker, read by the JobAPI."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from batchctl.contract.fields import MAX_COUNT, MAX_SECONDS, Fields
from batchctl.contract.limits import MAX_MEMORY_MIB
from batchctl.contract.retention import expiry_attribute
from batchctl.contract.statuses import ItemStatus
from batchctl.contract.table import (
    SORT_KEY,
    Item,
    decimal,
    flag,
    item_of,
    key,
    number,
    result_key,
    text,
)

REASON = re.compile(r"[A-Z_]{1,40}")
"""The form of a reason: one that a newer version has is read by an older one, too."""

SIGNAL = re.compile(r"[A-Z0-9_+-]{1,40}")
"""A signal's name, as SIGKILL, or its number where it has none."""

MAX_EXIT_CODE = 2**32


@dataclass(frozen=True)
class ResultRecord:
    """How an item ended: with a `result`, a text of JSON, or with an `error` and a `reason`.

    `attempts` counts the tries, or where the container recorded nothing, how often the task was
    started; `seconds` is the wall time of the last one. `signal` names what killed the item's
    process, `peak_memory_mib` is the most that it had. `in_hand`: when its container ended, it was
    or may have been at work on the item.
    """

    item: str
    status: ItemStatus
    result: str | None = None
    error: str | None = None
    reason: str | None = None
    exit_code: int | None = None
    attempts: int | None = None
    seconds: float | None = None
    peak_memory_mib: float | None = None
    signal: str | None = None
    in_hand: bool = False

    def as_item(self, partition: str, expires_at: int | None) -> Item:
        """Return it in DynamoDB's form, under the partition key of the results of a job.

        It is deleted after `expires_at`, epoch seconds.
        """
        return {
            **key(partition, result_key(self.item)),
            **expiry_attribute(expires_at),
            "status": text(self.status),
            **_texts(result=self.result, error=self.error, reason=self.reason, signal=self.signal),
            **({} if self.exit_code is None else {"exit_code": number(self.exit_code)}),
            **({} if self.attempts is None else {"attempts": number(self.attempts)}),
            **_decimals(seconds=self.seconds, peak_memory_mib=self.peak_memory_mib),
            **({"in_hand": flag(self.in_hand)} if self.in_hand else {}),
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
        peak_memory_mib=_peak_memory_mib(fields),
        signal=fields.text("signal", SIGNAL) if fields.has("signal") else None,
        in_hand=fields.has("in_hand") and fields.flag("in_hand"),
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


def _peak_memory_mib(fields: Fields) -> float | None:
    name = "peak_memory_mib"
    return fields.decimal(name, MAX_MEMORY_MIB) if fields.has(name) else None


def _decimals(**values: float | None) -> Item:
    return {name: decimal(value) for name, value in values.items() if value is not None}


def _texts(**values: str | None) -> Item:
    return {name: text(value) for name, value in values.items() if value is not None}
