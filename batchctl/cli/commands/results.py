"""`batchctl results`: as a table, as CSV or as JSON, written while the pages come."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from batchctl.cli.display.results import print_tables
from batchctl.cli.last_job import chosen_job, job_or_last
from batchctl.cli.opening import open_jobs
from batchctl.cli.options import api_options, current_options, shared_options
from batchctl.cli.output import CsvOut, JsonOut
from batchctl.contract.statuses import ItemStatus
from batchctl.errors import UsageError
from batchctl.jobs import tables

if TYPE_CHECKING:
    from batchctl.jobs import Result


@click.command()
@job_or_last
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
def results(*, job_id: str | None, form: str | None, spreadsheet_safe: bool, failed: bool) -> None:
    """Print the results of a job, as far as there are any.

    Of the last job, when none is named. They are written page by page, however many there are.

    \b
    Examples:
      batchctl results
      batchctl results demo-1
      batchctl results demo-1 --failed
      batchctl results demo-1 --format csv > demo-1.csv
      batchctl results demo-1 --format csv --spreadsheet-safe > for-excel.csv
    """
    if spreadsheet_safe and form != "csv":
        raise UsageError(
            "could not use `--spreadsheet-safe`: it is about CSV", hint="add `--format csv`"
        )
    _, client = open_jobs()
    found: Iterable[Result] = client.results(chosen_job(job_id, client))
    if failed:
        found = (result for result in found if result.status == ItemStatus.FAILED)
    form = form or ("json" if current_options().json else "table")
    if form == "table":
        print_tables(tables.tables(found))
    elif form == "csv":
        tables.write_csv(found, CsvOut(), spreadsheet_safe=spreadsheet_safe)
    else:
        tables.write_json(found, JsonOut())
