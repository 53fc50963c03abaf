"""Results as a table that is printed while its pages come, whatever there is of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.cells import cell_len

from batchctl.cli.output import add_row, data, show_rows, table
from batchctl.cli.visible import visible

if TYPE_CHECKING:
    from rich.table import Table as RichTable

    from batchctl.jobs.tables import Table


def print_tables(found: Iterable[Table]) -> None:
    """Print tables as one, as long as they have the same columns."""
    columns: tuple[str, ...] = ()
    widths: list[int] = []
    for each in map(_visible, found):
        same = each.columns == columns
        widths = _widths(each, widths if same else [0] * len(each.columns))
        _print_table(each, widths, heading=not same)
        columns = each.columns


def _visible(found: Table) -> Table:
    """Escape each cell before its width is measured."""
    rows = tuple(tuple(visible(cell) for cell in row) for row in found.rows)
    return dataclasses.replace(found, columns=tuple(map(visible, found.columns)), rows=rows)


def _widths(found: Table, least: list[int]) -> list[int]:
    return [
        max(most, cell_len(name), *(cell_len(row[index]) for row in found.rows))
        for index, (name, most) in enumerate(zip(found.columns, least, strict=True))
    ]


def _print_table(found: Table, widths: list[int], *, heading: bool) -> None:
    console = data()
    if sum(widths) + 2 * len(widths) > console.width:
        console.print(_folded(found, heading=heading))
        return
    # Rich would take minutes for what may be a million rows.
    rows = (found.columns, *found.rows) if heading else found.rows
    show_rows(_line(row, widths) for row in rows)


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    cells = zip(row, widths, strict=True)
    return "  ".join(cell + " " * (width - cell_len(cell)) for cell, width in cells).rstrip()


def _folded(found: Table, *, heading: bool) -> RichTable:
    """Lay out a table for a terminal that is too narrow for it: long cells take several lines."""
    folded = table(*found.columns, with_headings=heading)
    for row in found.rows:
        add_row(folded, *row)
    return folded
