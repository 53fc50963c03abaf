"""Items stand once in a universe: what stands again is refused, or left out where that was asked.

With other parameters it is never left out: one of the two would be lost in silence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from batchctl.errors import UsageError
from batchctl.jobs.api.new_task import Entry, duplicates, item_of

NAMED = 5


class Positions(Protocol):
    """Where each entry stands, in words."""

    def __getitem__(self, index: int, /) -> str:
        """Return where the entry at an index stands."""


def distinct(
    name: str, entries: Sequence[Entry], positions: Positions, *, unique: bool
) -> tuple[Sequence[Entry], int]:
    """Return the entries, each item once, and how many were left out, as `unique` allows.

    Raises UsageError, which names items that stand again, by their positions in `name`.
    """
    found = duplicates([item_of(entry) for entry in entries])
    if unique:
        found = {
            item: indexes
            for item, indexes in found.items()
            if any(entries[index] != entries[indexes[0]] for index in indexes)
        }
        if not found:
            kept = {item_of(entry): entry for entry in entries}  # all of an item are the same
            return list(kept.values()), len(entries) - len(kept)
    if not found:
        return entries, 0
    named = [
        f"`{item}` ({', '.join(positions[index] for index in indexes[:NAMED])})"
        for item, indexes in list(found.items())[:NAMED]
    ]
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    why = "with different parameters" if unique else "more than once"
    raise UsageError(
        f"could not read `{name}`: items must be distinct, {why} there are "
        f"{', '.join(named)}{more}",
        hint=None if unique else "`--unique` takes the first of each",
    )
