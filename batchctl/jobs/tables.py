"""Results as tables, as CSV and as JSON, in as much memory for a million rows as for a few.

A row has the columns `item`, `status`, one for each key of the results, `attempts`, `seconds`,
`peak_memory_mib`, `reason`, `exit_code`, `signal` and `error`. A key within an object becomes
`outer.inner`; a list is one cell of JSON; a result that is no object has the column `result`. A key
with the name of one of our columns becomes `result.NAME`.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import Protocol

from batchctl.jobs.api.job import Result
from batchctl.jobs.formulas import defused

BEFORE = ("item", "status")
AFTER = ("attempts", "seconds", "peak_memory_mib", "reason", "exit_code", "signal", "error")
SPOOLED_BYTES = 1 << 20
"""How much of the rows of CSV is in memory while the columns are found; the rest is on disk."""
TABLE_ROWS = 1000
"""How many results are laid out as one table: what is in memory at once."""

Row = dict[str, object]


class Out(Protocol):
    """Where text is written, such as an open file."""

    def write(self, text: str, /) -> object:
        """Write a piece of text."""


@dataclass(frozen=True)
class Table:
    """Cells as text, all rows as long as the columns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def table(results: Iterable[Result]) -> Table:
    """Lay out all results, with the columns in the order of their first appearance."""
    rows = [_row(result) for result in results]
    columns = (*BEFORE, *_result_columns(rows), *AFTER)
    return Table(columns, tuple(tuple(_cell(row.get(name)) for name in columns) for row in rows))


def tables(results: Iterable[Result]) -> Iterator[Table]:
    """Lay out results a thousand at a time, each table without the columns that are empty in it."""
    rest = iter(results)
    while laid_out := list(islice(rest, TABLE_ROWS)):
        yield _without_empty_columns(table(laid_out))


def _without_empty_columns(whole: Table) -> Table:
    used = [
        index
        for index, name in enumerate(whole.columns)
        if name in BEFORE or any(row[index] for row in whole.rows)
    ]
    return Table(
        tuple(whole.columns[index] for index in used),
        tuple(tuple(row[index] for index in used) for row in whole.rows),
    )


def write_csv(results: Iterable[Result], out: Out, *, spreadsheet_safe: bool = False) -> None:
    r"""Write RFC 4180 CSV, with a header and `\r\n` at line ends, to `out`.

    There is a column for each key that any row has, so that the header is known when all rows are:
    they wait in a temporary file, not in memory. Cells are data as they stand; with
    `spreadsheet_safe` all are in quotes, and `formulas.defused`.
    """
    cell = (lambda value: defused(_cell(value))) if spreadsheet_safe else _cell
    writer = csv.writer(out, quoting=csv.QUOTE_ALL if spreadsheet_safe else csv.QUOTE_MINIMAL)
    names: dict[str, None] = {}
    with SpooledTemporaryFile(SPOOLED_BYTES, "w+", encoding="utf-8") as kept:
        for row in map(_row, results):
            names.update(dict.fromkeys(row))
            kept.write(json.dumps(row) + "\n")
        columns = (*BEFORE, *(name for name in names if name not in (*BEFORE, *AFTER)), *AFTER)
        writer.writerow(cell(name) for name in columns)
        kept.seek(0)
        for line in kept:
            row = json.loads(line)
            writer.writerow(cell(row.get(name)) for name in columns)


def write_json(results: Iterable[Result], out: Out) -> None:
    """Write one JSON array of objects, one a line, to `out` as the results come."""
    separator = "[\n"
    for result in results:
        out.write(separator + json.dumps(_object(result), ensure_ascii=False))
        separator = ",\n"
    out.write("[]\n" if separator == "[\n" else "\n]\n")


def _object(result: Result) -> Row:
    fields: Row = {"item": result.item, "status": result.status}
    if result.error is None:
        fields["result"] = result.result
    optional = {name: getattr(result, name) for name in AFTER}
    return fields | {name: value for name, value in optional.items() if value is not None}


def _row(result: Result) -> Row:
    ours = {name: getattr(result, name) for name in (*BEFORE, *AFTER)}
    content = result.result
    flat = content if isinstance(content, Mapping) else {"result": content}
    columns = {
        f"result.{name}" if name in ours else name: value
        for name, value in _flattened(flat)
        if value is not None
    }
    return ours | columns


def _flattened(content: Mapping[str, object], above: str = "") -> Iterator[tuple[str, object]]:
    for key, value in content.items():
        if isinstance(value, Mapping) and value:
            yield from _flattened(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _result_columns(rows: Iterable[Row]) -> tuple[str, ...]:
    names = dict.fromkeys(name for row in rows for name in row)
    return tuple(name for name in names if name not in (*BEFORE, *AFTER))


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
