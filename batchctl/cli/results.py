"""`batchctl results`: as a table, as CSV or as JSON, written while the pages come."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from batchctl.cli.options import api_options, shared_options
from batchctl.cli.output import CsvOut, JsonOut, add_row, data, show_rows, table, visible
from batchctl.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table as RichTable

    from batchctl.jobs import Result
    from batchctl.jobs.tables import Table


@click.command()
@click.argument("job_id")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json"]),
    help="How to print them.  [default: table]",
)
@click.option(
    "--spreadsheet-safe",
    is_flag=True,
    help="With `--format csv`: put `'` before what a spreadsheet would run as a formula.",
)
@click.option("--failed", is_flag=True, help="Only the items that failed.")
@api_options
@shared_options
def results(*, job_id: str, form: str | None, spreadsheet_safe: bool, failed: bool) -> None:
    """Print the results of a job, as far as there are any.

    They are written page by page, however many there are.

    \b
    Examples:
      batchctl results demo-1
      batchctl results demo-1 --failed
      batchctl results demo-1 --format csv > demo-1.csv
      batchctl results demo-1 --format csv --spreadsheet-safe > for-excel.csv
    """
    from batchctl.cli.client import open_jobs
    from batchctl.jobs import tables

    if spreadsheet_safe and form != "csv":
        raise UsageError(
            "could not use `--spreadsheet-safe`: it is about CSV", hint="add `--format csv`"
        )
    application, client = open_jobs()
    found: Iterable[Result] = client.results(job_id)
    if failed:
        found = (result for result in found if result.status == "FAILED")
    form = form or ("json" if application.options.json else "table")
    if form == "table":
        _print_tables(tables.tables(found))
    elif form == "csv":
        tables.write_csv(found, CsvOut(), spreadsheet_safe=spreadsheet_safe)
    else:
        tables.write_json(found, JsonOut())


def _print_tables(found: Iterable[Table]) -> None:
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
    from rich.cells import cell_len

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
    from rich.cells import cell_len

    cells = zip(row, widths, strict=True)
    return "  ".join(cell + " " * (width - cell_len(cell)) for cell, width in cells).rstrip()


def _folded(found: Table, *, heading: bool) -> RichTable:
    """Lay out a table for a terminal that is too narrow for it: long cells take several lines."""
    folded = table(*found.columns, with_headings=heading)
    for row in found.rows:
        add_row(folded, *row)
    return folded
