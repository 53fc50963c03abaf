"""The progress of a task: one record a task, a byte for each item of its slice.

The runner writes it some times a minute; counts and the console's grid are drawn from it, and when
a container ends without a word it says which items had begun. A million items are a thousand such
records of a kilobyte: two pages of one Query.

A byte is 0 for an item that has not begun, 1 for one in hand, 2 for a success; 16 and more for a
failure, one for each reason. Readers take a byte that they don't know as a failure of unknown
reason: a newer runner may have more reasons.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from batchctl.contract.fields import MAX_COUNT, Fields
from batchctl.contract.reasons import Reason
from batchctl.contract.retention import expiry_attribute
from batchctl.contract.table import (
    SORT_KEY,
    Item,
    number,
    partition_key,
    progress_key,
    progress_partition,
    task_in_progress_key,
    text,
)

MAX_CELLS = 50_000
"""Items of a slice, at most: the record then has an eighth of the 400 KB that DynamoDB allows."""

FIRST_FAILURE = 16
REASONS: tuple[Reason, ...] = (
    Reason.UNKNOWN,
    Reason.EXCEPTION,
    Reason.EXIT_CODE,
    Reason.OUT_OF_MEMORY,
    Reason.TIMEOUT,
    Reason.SPOT_RECLAIM,
    Reason.IMAGE,
    Reason.TERMINATED,
    Reason.HOST,
    Reason.NOT_RUN,
    Reason.TABLE,
    Reason.MAX_FAILURES,
    Reason.BUDGET,
)
"""In the order of their bytes, from FIRST_FAILURE on: only ever added to at the end."""


class Cell(IntEnum):
    """Where an item stands, but for the failures."""

    PENDING = 0
    RUNNING = 1
    SUCCEEDED = 2


_BYTES: Mapping[Reason, int] = {reason: FIRST_FAILURE + at for at, reason in enumerate(REASONS)}


def failed(reason: Reason) -> int:
    """Return the byte of a failure."""
    return _BYTES[reason]


def reason_of(cell: int) -> Reason | None:
    """Return why an item failed; None for one that has not."""
    if cell in tuple(Cell):
        return None
    at = cell - FIRST_FAILURE
    return REASONS[at] if 0 <= at < len(REASONS) else Reason.UNKNOWN


@dataclass(frozen=True)
class ItemCounts:
    """Items by where they stand; `reasons` counts the failed ones."""

    pending: int = 0
    running: int = 0
    succeeded: int = 0
    reasons: Mapping[Reason, int] = field(default_factory=dict)

    @property
    def failed(self) -> int:
        """How many have failed."""
        return sum(self.reasons.values())

    @property
    def total(self) -> int:
        """How many there are."""
        return self.pending + self.running + self.succeeded + self.failed


def count(cells: Iterable[int]) -> ItemCounts:
    """Count the items of one task or of many."""
    found = Counter(cells)
    reasons = Counter[Reason]()
    for cell, items in found.items():
        if (reason := reason_of(cell)) is not None:
            reasons[reason] += items
    return ItemCounts(
        found[Cell.PENDING], found[Cell.RUNNING], found[Cell.SUCCEEDED], dict(reasons)
    )


@dataclass(frozen=True)
class ProgressRecord:
    """How far a task of a run is: the `cells` of its slice, in the order of the run's universe.

    `at_once` is how many items the runner works on at a time: it begins them in order.
    """

    run: int
    task: int
    cells: bytes
    at_once: int = 1

    def as_item(self, job_id: str, expires_at: int | None) -> Item:
        """Return it in DynamoDB's form; it is deleted after `expires_at`, epoch seconds."""
        return {
            **partition_key(progress_partition(job_id)),
            SORT_KEY: text(progress_key(self.run, self.task)),
            **expiry_attribute(expires_at),
            "cells": {"B": self.cells},
            "at_once": number(self.at_once),
        }


def from_item(item: Mapping[str, Any]) -> ProgressRecord:
    """Read an item in DynamoDB's form; raises MalformedItemError."""
    fields = Fields(item)
    found = task_in_progress_key(fields.text(SORT_KEY))
    if found is None:
        raise fields.malformed(SORT_KEY)
    run, task = found
    return ProgressRecord(
        run, task, fields.binary("cells", MAX_CELLS), fields.whole("at_once", MAX_COUNT, least=1)
    )
