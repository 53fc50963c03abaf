"""`batchctl results`: as a table, as CSV or as JSON, written while the pages come."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from batchctl.cli.options import api_options, shared_options
from batchctl.cli.output import data

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
@click.option("--failed", is_flag=True, help="Only the items that failed.")
@api_options
@shared_options
def results(*, job_id: str, form: str | None, failed: bool) -> None:
    """Print the results of a job, as far as there are any.

    They are written page by page, however many there are.

    \b
    Examples:
      batchctl results demo-1
      batchctl results demo-1 --failed
      batchctl results demo-1 --format csv > demo-1.csv
    """
    from batchctl.cli.client import open_jobs
    from batchctl.jobs import tables

    application, client = open_jobs()
    found: Iterable[Result] = client.results(job_id)
    if failed:
        found = (result for result in found if result.status == "FAILED")
    form = form or ("json" if application.options.json else "table")
    if form == "table":
        _print_tables(tables.tables(found))
    elif form == "csv":
        tables.write_csv(found, sys.stdout)
    else:
        tables.write_json(found, sys.stdout)


def _print_tables(found: Iterable[Table]) -> None:
    """Print tables as one, as long as they have the same columns."""
    columns: tuple[str, ...] = ()
    widths: list[int] = []
    for each in found:
        same = each.columns == columns
        widths = _widths(each, widths if same else [0] * len(each.columns))
        _print_table(each, widths, heading=not same)
        columns = each.columns


def _widths(table: Table, least: list[int]) -> list[int]:
    from rich.cells import cell_len

    return [
        max(most, cell_len(name), *(cell_len(row[index]) for row in table.rows))
        for index, (name, most) in enumerate(zip(table.columns, least, strict=True))
    ]


def _print_table(found: Table, widths: list[int], *, heading: bool) -> None:
    console = data()
    if sum(widths) + 2 * len(widths) > console.width:
        console.print(_folded(found, heading=heading))
        return
    # Rich would take minutes for what may be a million rows.
    rows = (found.columns, *found.rows) if heading else found.rows
    sys.stdout.writelines(f"{_line(row, widths)}\n" for row in rows)


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    from rich.cells import cell_len

    cells = zip(row, widths, strict=True)
    return "  ".join(cell + " " * (width - cell_len(cell)) for cell, width in cells).rstrip()


def _folded(found: Table, *, heading: bool) -> RichTable:
    """Lay out a table for a terminal that is too narrow for it: long cells take several lines."""
    from rich.table import Table as RichTable
    from rich.text import Text

    table = RichTable(box=None, pad_edge=False, show_header=heading)
    for name in found.columns:
        table.add_column(name, overflow="fold")
    for row in found.rows:
        table.add_row(*(Text(cell) for cell in row))
    return table
