"""Results as tables, as CSV and as JSON, in as much memory for a million rows as for a few.

A row has the columns `item`, `status`, one for each of the item's own parameters as
`parameters.NAME`, one for each key of the results, `attempts`, `seconds`,
`peak_memory_mib`, `reason`, `exit_code`, `signal` and `error`. A key within an object becomes
`outer.inner`; a list is one cell of JSON; a result that is no object has the column `result`. A key
with the name of one of our columns becomes `result.NAME`.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import Protocol

from batchctl.contract.statuses import TaskStatus
from batchctl.jobs.api.job import Result
from batchctl.jobs.formulas import defused

BEFORE = ("item", "status")
AFTER = ("attempts", "seconds", "peak_memory_mib", "reason", "exit_code", "signal", "error")
OWN = "parameters."
"""Before the names of an item's own parameters."""

SPOOLED_BYTES = 1 << 20
"""How much of the rows of CSV is in memory while the columns are found; the rest is on disk."""
TABLE_ROWS = 1000
"""How many results are laid out as one table: what is in memory at once."""

Row = dict[str, object]
Columns = Sequence[str]


class Out(Protocol):
    """Where text is written, such as an open file."""

    def write(self, text: str, /) -> object:
        """Write a piece of text."""


@dataclass(frozen=True)
class Table:
    """Cells as text, all rows as long as the columns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def table(results: Iterable[Result], only: Columns = ()) -> Table:
    """Lay out all results, with the columns in the order of their first appearance.

    Or those columns `only`, in that order.
    """
    rows = [row_of(result) for result in results]
    columns = columns_of(dict.fromkeys(name for row in rows for name in row), only)
    return Table(columns, tuple(tuple(_cell(row.get(name)) for name in columns) for row in rows))


def tables(results: Iterable[Result], only: Columns = ()) -> Iterator[Table]:
    """Lay out results a thousand at a time, each table without the columns that are empty in it.

    Or with those columns `only`, empty or not.
    """
    rest = iter(results)
    while laid_out := list(islice(rest, TABLE_ROWS)):
        yield table(laid_out, only) if only else _without_empty_columns(table(laid_out))


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


def write_csv(
    results: Iterable[Result], out: Out, only: Columns = (), *, spreadsheet_safe: bool = False
) -> None:
    r"""Write RFC 4180 CSV, with a header and `\r\n` at line ends, to `out`.

    There is a column for each key that any row has, so that the header is known when all rows are:
    they wait in a temporary file, not in memory. Or there are those columns `only`. Cells are data
    as they stand; with `spreadsheet_safe` all are in quotes, and `formulas.defused`.
    """
    cell = (lambda value: defused(_cell(value))) if spreadsheet_safe else _cell
    writer = csv.writer(out, quoting=csv.QUOTE_ALL if spreadsheet_safe else csv.QUOTE_MINIMAL)
    names: dict[str, None] = {}
    with SpooledTemporaryFile(SPOOLED_BYTES, "w+", encoding="utf-8") as kept:
        for row in map(row_of, results):
            names.update(dict.fromkeys(row))
            kept.write(json.dumps(row) + "\n")
        columns = columns_of(names, only)
        writer.writerow(cell(name) for name in columns)
        kept.seek(0)
        for line in kept:
            row = json.loads(line)
            writer.writerow(cell(row.get(name)) for name in columns)


def write_json(results: Iterable[Result], out: Out, only: Columns = ()) -> None:
    """Write one JSON array of objects, one a line, to `out` as the results come.

    With `only` some columns, an object has those that its result has.
    """
    separator = "[\n"
    for result in results:
        out.write(separator + json.dumps(_object(result, only), ensure_ascii=False))
        separator = ",\n"
    out.write("[]\n" if separator == "[\n" else "\n]\n")


def write_json_lines(results: Iterable[Result], out: Out, only: Columns = ()) -> None:
    """Write a JSON object a line to `out` as the results come."""
    for result in results:
        out.write(json.dumps(_object(result, only), ensure_ascii=False) + "\n")


def _object(result: Result, only: Columns) -> Row:
    if only:
        row = row_of(result)
        return {name: row[name] for name in only if row.get(name) is not None}
    fields: Row = {"item": result.item, "status": result.status}
    if result.error is None and result.status != TaskStatus.PENDING:
        fields["result"] = result.result
    optional = {name: getattr(result, name) for name in (*AFTER, "parameters")}
    return fields | {name: value for name, value in optional.items() if value is not None}


def row_of(result: Result) -> Row:
    """Return the cells of a result, by their columns."""
    ours = {name: getattr(result, name) for name in (*BEFORE, *AFTER)}
    content = result.result
    flat = content if isinstance(content, Mapping) else {"result": content}
    columns = {
        f"result.{name}" if name in ours or name.startswith(OWN) else name: value
        for name, value in _flattened(flat)
        if value is not None
    }
    own = {f"{OWN}{name}": value for name, value in _flattened(result.parameters or {})}
    return ours | own | columns


def _flattened(content: Mapping[str, object], above: str = "") -> Iterator[tuple[str, object]]:
    for key, value in content.items():
        if isinstance(value, Mapping) and value:
            yield from _flattened(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def columns_of(names: Iterable[str], only: Columns = ()) -> tuple[str, ...]:
    """Return the columns for rows with cells of these names: ours around them, or `only` some."""
    return tuple(only) or (*BEFORE, *_between(names), *AFTER)


def _between(names: Iterable[str]) -> tuple[str, ...]:
    """Return the columns that are not ours: parameters first, in the order of their appearance."""
    found = [name for name in names if name not in (*BEFORE, *AFTER)]
    return tuple(sorted(found, key=lambda name: not name.startswith(OWN)))


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
