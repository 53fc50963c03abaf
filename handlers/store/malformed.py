"""Malformed items that reads leave out, counted, and reported once an invocation.

Whoever reads many items goes through `well_formed`, which leaves the malformed ones out;
`skipped.report()` logs how many there were at the end of each invocation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from batchctl.contract.fields import MalformedItemError
from handlers.log import logger

T = TypeVar("T")


class Skipped:
    """What the present invocation has left out, for one line of its log."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.count = 0
        self.first: MalformedItemError | None = None

    def note(self, error: MalformedItemError) -> None:
        """Count an item that was left out."""
        self.count += 1
        self.first = self.first or error

    def report(self) -> None:
        """Say in the log what was left out, if anything, and begin again with nothing."""
        if self.first is not None:
            logger.warning(
                "skipped a malformed item",
                items=self.count,
                first=self.first.key,
                why=self.first.why,
            )
        self.count, self.first = 0, None


skipped = Skipped()


@contextmanager
def reporting_skipped() -> Iterator[None]:
    """Report what was left out within, however it ends."""
    try:
        yield
    finally:
        skipped.report()


def well_formed(
    items: Iterable[Mapping[str, Any]], read: Callable[[Mapping[str, Any]], T]
) -> Iterator[T]:
    """Give what `read` makes of each item; leave out the malformed ones, and count them."""
    for item in items:
        try:
            made = read(item)
        except MalformedItemError as error:
            skipped.note(error)
        else:
            yield made
