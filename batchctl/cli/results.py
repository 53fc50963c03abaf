"""`batchctl results`: as a table, as CSV or as JSON, written while the pages come."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from batchctl.cli.options import api_options, shared_options
from batchctl.cli.output import data

if TYPE_CHECKING:
    from rich.console import Console

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
    console = data()
    columns: tuple[str, ...] = ()
    widths: list[int] = []
    for each in found:
        same = each.columns == columns
        widths = _widths(each, widths if same else [0] * len(each.columns))
        _print_table(console, each, widths, heading=not same)
        columns = each.columns


def _widths(table: Table, least: list[int]) -> list[int]:
    from rich.cells import cell_len

    return [
        max(most, cell_len(name), *(cell_len(row[index]) for row in table.rows))
        for index, (name, most) in enumerate(zip(table.columns, least, strict=True))
    ]


def _print_table(console: Console, found: Table, widths: list[int], *, heading: bool) -> None:
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=None, pad_edge=False, show_header=heading)
    # As wide as the rows before, unless the terminal is too narrow for it.
    fits = sum(widths) + 2 * len(widths) <= console.width
    for name, width in zip(found.columns, widths, strict=True):
        grid.add_column(name, overflow="fold", min_width=width if fits else None)
    for row in found.rows:
        grid.add_row(*(Text(cell) for cell in row))
    console.print(grid)
