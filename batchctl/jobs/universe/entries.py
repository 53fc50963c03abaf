"""Entries that are made of their rows of CSV when they are asked for.

A million of them as dicts would take a gigabyte.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import overload

from batchctl.jobs.api.new_task import Entry

Readers = Mapping[int, tuple[str, Callable[[str], object]]]
"""What each column but that of the item is called, and how its cells are read."""


class RowEntries(Sequence[Entry]):
    """The entries of rows whose item is the cell `at`."""

    def __init__(self, rows: Sequence[Sequence[str]], at: int, readers: Readers) -> None:
        """Keep the rows."""
        self._rows, self._at, self._readers = rows, at, readers

    def __len__(self) -> int:
        """Count them."""
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Entry]: ...
    def __getitem__(self, index: int | slice) -> Entry | Sequence[Entry]:
        """Return an entry, or the entries of a slice."""
        if isinstance(index, slice):
            return [self._entry(cells) for cells in self._rows[index]]
        return self._entry(self._rows[index])

    def _entry(self, cells: Sequence[str]) -> Entry:
        item = cells[self._at].strip()
        own = {
            name: read(cells[at])
            for at, (name, read) in self._readers.items()
            if cells[at] and not cells[at].isspace()
        }
        return {"item": item, "parameters": own} if own else item
