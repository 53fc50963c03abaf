"""A universe as CSV or TSV: a header, and a row an item, as spreadsheets and pandas write them."""

from __future__ import annotations

import csv
import io
from array import array
from collections.abc import Iterator, Sequence

from batchctl.errors import UsageError
from batchctl.jobs.universe.columns import Kind, kind_of
from batchctl.jobs.universe.entries import RowEntries
from batchctl.jobs.universe.rows import Reading, Rows

_DELIMITERS = (",", ";", "\t", "|")
_NO_QUOTES = csv.QUOTE_NONE
LONGEST_CELL = 1 << 20
Row = tuple[int, list[str]]
"""A row, and the line that it ends in: cells in quotes may have line breaks."""


def read_csv(text: str, reading: Reading, delimiter: str | None) -> Rows:
    """Read rows by the header's columns; `delimiter` None: what the header has.

    A cell is a number or yes-or-no (`true`, `false`) where the whole column is, else text; an empty
    one is no parameter. Raises UsageError, naming the line.
    """
    source = _Source(text, reading, delimiter)
    rows = list(source.rows())
    if not rows:
        raise UsageError(f"could not read `{reading.name}`: there is no header in it")
    width = len(rows[0][1])
    for line, cells in rows[1:]:
        if len(cells) != width:
            _refuse_length(line, len(cells), width, reading)
    rows = _without_nameless_columns(rows)
    header = _header(rows[0], reading)
    return _laid_out(header, rows[1:], reading, source.comments)


def _laid_out(header: Sequence[str], rows: Sequence[Row], reading: Reading, comments: int) -> Rows:
    column = reading.column(header)
    reading.check_text_columns(header)
    at = header.index(column)
    kinds = {
        index: Kind.TEXT if name in reading.text_columns else kind_of(r[index] for _, r in rows)
        for index, name in enumerate(header)
        if index != at
    }
    for line, cells in rows:
        if not cells[at].strip():
            reading.refuse(line, f"has nothing in column `{column}`, which is the item")
    readers = {index: (header[index], kind.read) for index, kind in kinds.items()}
    entries = RowEntries([cells for _, cells in rows], at, readers)
    named = {header[index]: str(kind) for index, kind in kinds.items()}
    lines = array("L", (line for line, _ in rows))
    return Rows(entries, lines, column, named, comments, reading.comment or "")


class _Source:
    """The rows of a text, without comments and blank ones."""

    def __init__(self, text: str, reading: Reading, delimiter: str | None) -> None:
        self._text, self._reading = text, reading
        self.comments = 0
        first, _, rest = text.partition("\n")
        if delimiter is None and first.lower().startswith("sep="):  # Excel's own line
            delimiter, self._text = first[4:5] or ",", "\n" + rest
        self._delimiter = delimiter

    def rows(self) -> Iterator[Row]:
        lines = _Lines(self._text, self._reading.comment)
        header = lines.first()
        delimiter = self._delimiter or _delimiter_of(header)
        csv.field_size_limit(LONGEST_CELL)
        reader = csv.reader(
            lines,
            delimiter=delimiter,
            # `"a", "b"` is no CSV by the RFC, and written all the same.
            skipinitialspace=f'{delimiter} "' in header,
            strict=True,
        )
        try:
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    yield lines.number, cells
        except csv.Error as error:
            self._reading.refuse(lines.number, f"is no CSV: {error}")
        self.comments = lines.comments


class _Lines:
    """The lines of a text with their ends, numbered, without comments."""

    def __init__(self, text: str, comment: str | None) -> None:
        self._text, self._comment = text, comment
        self.number = self.comments = 0

    def first(self) -> str:
        return next((line for line in _Lines(self._text, self._comment) if line.strip()), "")

    def __iter__(self) -> Iterator[str]:
        # "": every kind of line end is one, and stays as it is within quotes.
        for line in io.StringIO(self._text, newline=""):
            self.number += 1
            if self._comment and line.startswith(self._comment):
                self.comments += 1
            else:
                yield line


def _delimiter_of(header: str) -> str:
    """Return what separates the header's columns: the most frequent, outside quotes."""
    bare = "".join(header.split('"')[::2])
    return max(_DELIMITERS, key=bare.count)


def _header(row: Row, reading: Reading) -> list[str]:
    line, cells = row
    header = [cell.strip() for cell in cells]
    for index, name in enumerate(header):
        if not name:
            hint = "`df.to_csv(…, index=False)` writes no index" if index == 0 else None
            reading.refuse(line, f"names no column {index + 1}: the first line is the header", hint)
        if name in header[:index]:
            reading.refuse(line, f"has the column `{name}` twice")
    return header


def _without_nameless_columns(rows: list[Row]) -> list[Row]:
    """Leave out columns that have neither a name nor a cell: spreadsheets end lines with commas."""
    nameless = {index for index, name in enumerate(rows[0][1]) if not name.strip()}
    empty = {index for index in nameless if not any(cells[index].strip() for _, cells in rows)}
    if not empty:
        return rows
    return [
        (line, [cell for index, cell in enumerate(cells) if index not in empty])
        for line, cells in rows
    ]


def _refuse_length(line: int, has: int, wants: int, reading: Reading) -> None:
    cause = "a comma in a cell needs quotes around it" if has > wants else None
    reading.refuse(
        line, f"has {has} {'cell' if has == 1 else 'cells'}, and the header {wants}", cause
    )
