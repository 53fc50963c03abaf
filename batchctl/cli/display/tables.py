"""Tables that fit the terminal: no item, status or number is ever broken.

Where a table is too wide, long texts are cut, then columns are left out, and where hardly any is
left each row becomes a block of lines. In a pipe or a file, and with `wide`, lines have any length.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len

from batchctl.cli.output import StatusText, say, show, show_rows, width_of_stdout
from batchctl.cli.visible import visible

if TYPE_CHECKING:
    from batchctl.jobs.tables import Table

GAP = "  "
TEXT_WIDTHS = (60, 40, 20)
"""What a text is cut to, as the terminal gets narrower; never below the last."""
STATUS = "status"
_NUMBER = re.compile(r"-?[\d,]+(?:\.\d+)?(?:[eE][-+]?\d+)?")


@dataclass(frozen=True)
class Importance:
    """Which columns are left out last, and which first, where not all fit.

    Those in `kept` never are, nor are they cut; those in `first` go in this order, then the others
    from the right, then those in `last`, from its end.
    """

    kept: tuple[str, ...]
    first: tuple[str, ...] = ()
    last: tuple[str, ...] = ()

    def leaving(self, columns: Sequence[str]) -> Iterator[str]:
        """Yield the columns in the order in which they are left out."""
        named = {*self.kept, *self.first, *self.last}
        yield from (name for name in self.first if name in columns)
        yield from (name for name in reversed(columns) if name not in named)
        yield from (name for name in reversed(self.last) if name in columns)


class TablePrinter:
    """Prints tables below each other as one, as long as they have the same columns."""

    def __init__(self, importance: Importance, width: int | None) -> None:
        """Take how many characters a line may have; None: as many as it takes."""
        self._importance = importance
        self._width = width
        self._columns: tuple[str, ...] = ()
        self._widths: list[int] = []
        self._left_out: dict[str, None] = {}

    def show(self, found: Table) -> None:
        """Print a table; its heading when it isn't that of the one before."""
        shown = _visible(found)
        widths = self._fitting(shown)
        if widths is None:
            _print_blocks(shown)
            return
        columns = tuple(name for name, width in zip(shown.columns, widths, strict=True) if width)
        self._left_out |= dict.fromkeys(name for name in shown.columns if name not in columns)
        kept = _only(shown, columns)
        widths = [width for width in widths if width]
        same = columns == self._columns
        if same:
            wider = [max(pair) for pair in zip(widths, self._widths, strict=True)]
            widths = wider if self._fits(wider) else widths
        show_rows(_lines(kept, widths, heading=not same))
        self._columns, self._widths = columns, widths

    def print_left_out(self) -> None:
        """Say how many columns were left out, and how to see them."""
        if count := len(self._left_out):
            say(f"+{count} {'column' if count == 1 else 'columns'}: --wide")

    def _fits(self, widths: Sequence[int]) -> bool:
        shown = [width for width in widths if width]
        return self._width is None or sum(shown) + len(GAP) * (len(shown) - 1) <= self._width

    def _fitting(self, found: Table) -> list[int] | None:
        """Return the width of each column, 0 for one left out; None when blocks read better.

        Long texts are cut, but not to nothing as long as lesser columns can be left out for them.
        """
        natural = _widths(found)
        if self._fits(natural):
            return natural
        texts = self._texts(found)
        for least in TEXT_WIDTHS:
            cut = [
                min(w, max(least, len(found.columns[i]))) if i in texts else w
                for i, w in enumerate(natural)
            ]
            is_last = least == TEXT_WIDTHS[-1]
            leaving = self._importance.leaving(found.columns)
            lesser = [name for name in leaving if is_last or name in self._importance.first]
            if (fitting := self._without(cut, lesser, found.columns)) is not None:
                alone = sum(map(bool, fitting)) == len(self._importance.kept)
                shrunk = alone and len(found.columns) > len(self._importance.kept)
                return None if shrunk else self._widened(fitting, natural, texts)
        return None

    def _texts(self, found: Table) -> list[int]:
        """Return the columns that may be cut, in their order."""
        numbers, kept = _numeric(found), self._importance.kept
        columns = enumerate(found.columns)
        return [index for index, name in columns if name not in kept and index not in numbers]

    def _without(
        self, widths: list[int], lesser: Sequence[str], columns: Sequence[str]
    ) -> list[int] | None:
        """Leave out columns until the rest fits; None when it doesn't without all of them."""
        left = list(widths)
        for name in lesser:
            if self._fits(left):
                return left
            left[columns.index(name)] = 0
        return left if self._fits(left) else None

    def _widened(self, widths: list[int], natural: list[int], texts: Sequence[int]) -> list[int]:
        """Give the texts that were cut the room that is left, the last column first."""
        shown = [width for width in widths if width]
        room = (self._width or 0) - sum(shown) - len(GAP) * (len(shown) - 1)
        for index in reversed(texts):
            if widths[index]:
                more = min(room, natural[index] - widths[index])
                widths[index], room = widths[index] + more, room - more
        return widths


def print_table(found: Table, importance: Importance, *, wide: bool = False) -> None:
    """Print one table, and how many columns were left out of it."""
    print_tables([found], importance, wide=wide)


def print_tables(found: Iterable[Table], importance: Importance, *, wide: bool = False) -> None:
    """Print tables that come page by page as one, `wide` whatever the terminal's width."""
    printer = TablePrinter(importance, None if wide else width_of_stdout())
    for each in found:
        printer.show(each)
    printer.print_left_out()


def _visible(found: Table) -> Table:
    """Escape each cell before its width is measured."""
    rows = tuple(tuple(visible(cell) for cell in row) for row in found.rows)
    return dataclasses.replace(found, columns=tuple(map(visible, found.columns)), rows=rows)


def _only(found: Table, columns: Collection[str]) -> Table:
    chosen = [index for index, name in enumerate(found.columns) if name in columns]
    rows = tuple(tuple(row[index] for index in chosen) for row in found.rows)
    return dataclasses.replace(found, columns=tuple(columns), rows=rows)


def _widths(found: Table) -> list[int]:
    return [
        max(cell_len(name), *(cell_len(row[index]) for row in found.rows))
        for index, name in enumerate(found.columns)
    ]


def _numeric(found: Table) -> set[int]:
    """Return the columns whose cells are numbers, as far as they have any; an item is a name."""
    return {
        index
        for index, name in enumerate(found.columns)
        if index > 0 and all(_NUMBER.fullmatch(row[index]) for row in found.rows if row[index])
    }


def _lines(found: Table, widths: Sequence[int], *, heading: bool) -> Iterator[list[str]]:
    """Yield lines in pieces, numbers at the right of their column; there may be a million."""
    numbers = _numeric(found)
    if heading:
        yield _line(found.columns, widths, numbers, None)
    status = found.columns.index(STATUS) if STATUS in found.columns else None
    for row in found.rows:
        yield _line(row, widths, numbers, status)


def _line(
    row: Sequence[str], widths: Sequence[int], numbers: Collection[int], status: int | None
) -> list[str]:
    pieces: list[str] = []
    for index, (cell, width) in enumerate(zip(row, widths, strict=True)):
        shown = _cut(cell, width)
        padding = " " * (width - cell_len(shown))
        pieces.append(GAP if index else "")
        if index in numbers:
            pieces += [padding, shown]
        else:
            pieces += [StatusText(shown) if index == status else shown, padding]
    while pieces and not pieces[-1].strip():
        pieces.pop()
    return pieces


def _cut(cell: str, width: int) -> str:
    """Return a text no wider than that; what is left out has `…` in its place."""
    if cell_len(cell) <= width:
        return cell
    kept = cell[: width - 1]
    while cell_len(kept) > width - 1:  # of characters that are two cells wide
        kept = kept[:-1]
    return f"{kept}…"


def _print_blocks(found: Table) -> None:
    """Print a block of lines for each row, without the cells that it doesn't have."""
    for row in found.rows:
        first, *rest = zip(found.columns, row, strict=True)
        show_rows([[first[1]]])
        for name, cell in rest:
            if cell:
                show_rows([["  ", f"{name}: ", StatusText(cell) if name == STATUS else cell]])
    show()
