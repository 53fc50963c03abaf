"""What a file of a universe has: entries, the line that each stands in, and what was left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from batchctl.errors import UsageError
from batchctl.jobs.api.new_task import Entry

DEFAULT_COLUMN = "item"
NAMED = 8


@dataclass(frozen=True)
class Reading:
    """How a file, called `name` in messages, is to be read."""

    name: str
    item_column: str | None = None
    text_columns: tuple[str, ...] = ()
    comment: str | None = None

    def refuse(self, line: int, why: str, hint: str | None = None) -> NoReturn:
        """Raise UsageError for a line."""
        raise UsageError(f"could not read `{self.name}`: line {line} {why}", hint=hint)

    def column(self, columns: Sequence[str]) -> str:
        """Return the column that is the item: the one that was asked for, `item`, or the first."""
        if self.item_column is None:
            return DEFAULT_COLUMN if DEFAULT_COLUMN in columns else columns[0]
        if self.item_column not in columns:
            self._unknown(self.item_column, columns)
        return self.item_column

    def check_text_columns(self, columns: Sequence[str]) -> None:
        """Raise UsageError where one that was asked for isn't there."""
        for each in self.text_columns:
            if each not in columns:
                self._unknown(each, columns)

    def _unknown(self, column: str, columns: Sequence[str]) -> NoReturn:
        raise UsageError(
            f"could not read `{self.name}`: it has no column `{column}`",
            hint=f"its columns are {', '.join(f'`{each}`' for each in columns[:NAMED])}",
        )


@dataclass(frozen=True)
class Rows:
    """Entries with the lines that they stand in; `parameters` says of what kind each column is.

    `comments` counts the lines that were left out, which `comment` begins.
    """

    entries: Sequence[Entry]
    lines: Sequence[int]
    item_column: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    comments: int = 0
    comment: str = ""

    def notes(self, name: str, kept: int, dropped: int) -> tuple[str, ...]:
        """Return what a person wants to know before so many items are sent."""
        column = f", column `{self.item_column}`" if self.item_column else ""
        notes = [f"{kept:,} {'item' if kept == 1 else 'items'} from `{name}`{column}"]
        if self.parameters:
            named = [f"{key} ({kind})" for key, kind in list(self.parameters.items())[:NAMED]]
            more = len(self.parameters) - len(named)
            rest = f" and {more} more" if more else ""
            notes.append(f"  with parameters of their own: {', '.join(named)}{rest}")
        if dropped:
            notes.append(f"  {dropped:,} left out as repeated (`--unique`)")
        if self.comments:
            notes.append(
                f"  {self.comments:,} left out as comments: they begin with `{self.comment}` "
                "(`--comment ''` takes all lines)"
            )
        return tuple(notes)
