"""What a submission may ask for beside universe and parameters: how a job is cut, shared, ended.

Two requests that differ in these alone are the same job: its content is what is computed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MAX_ITEMS_PER_TASK = 10_000
MAX_PRIORITY = 9999
"""AWS Batch API Reference, SubmitJob: schedulingPriorityOverride is 0 to 9999."""
SHARE = re.compile(r"[A-Za-z0-9_-]{1,64}")
PERCENT = re.compile(r"(100|[0-9]{1,2})%")


@dataclass(frozen=True)
class JobOptions:
    """The options of a submission; None is left to the application.

    `max_failures` is a number of items, or a share of them such as `5%`: a job of which more fail
    is ended.
    """

    items_per_task: int | None = None
    max_failures: int | str | None = None
    share: str | None = None
    priority: int | None = None

    def as_body(self) -> dict[str, Any]:
        """Return the fields of the request, without those that were left out."""
        return {name: value for name, value in vars(self).items() if value is not None}

    def failures_allowed(self, items: int) -> int | None:
        """Return how many items of so many may fail; None: as many as may be."""
        if self.max_failures is None:
            return None
        return min(items, failures_allowed(self.max_failures, items))

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yield each field that breaks its rule, and the rule."""
        if self.items_per_task is not None and not _within(
            self.items_per_task, 1, MAX_ITEMS_PER_TASK
        ):
            yield "items_per_task", f"must be a whole number from 1 to {MAX_ITEMS_PER_TASK}"
        if self.max_failures is not None and not is_max_failures(self.max_failures):
            yield "max_failures", "must be a whole number from 0 on, or a share such as `5%`"
        if self.share is not None and not (
            isinstance(self.share, str) and SHARE.fullmatch(self.share)
        ):
            yield "share", "must have 1 to 64 letters, digits, `_` and `-`"
        if self.priority is not None and not _within(self.priority, 0, MAX_PRIORITY):
            yield "priority", f"must be a whole number from 0 to {MAX_PRIORITY}"


NO_OPTIONS = JobOptions()


def is_max_failures(value: object) -> bool:
    """Whether it is a number of items, or a share of them."""
    if isinstance(value, str):
        return PERCENT.fullmatch(value) is not None
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def failures_allowed(max_failures: int | str, items: int) -> int:
    """Return how many of so many items may fail: of a share, rounded down."""
    if isinstance(max_failures, str):
        return items * int(max_failures.removesuffix("%")) // 100
    return max_failures


def _within(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
