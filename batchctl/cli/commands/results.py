"""`batchctl results`: as a table, as CSV or as JSON, the columns of CSV from all rows."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from batchctl.cli.display.job_progress import follow, print_end, retry_printer
from batchctl.cli.display.results import print_tables
from batchctl.cli.last_job import chosen_job, job_or_last
from batchctl.cli.opening import open_jobs
from batchctl.cli.options import api_options, current_options, shared_options
from batchctl.cli.output import CsvOut, JsonOut, say
from batchctl.contract.statuses import ItemStatus, Status
from batchctl.errors import BatchctlError, UsageError
from batchctl.jobs import Unreachable, tables

if TYPE_CHECKING:
    from batchctl.jobs import Job, Result


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
@click.option("--after", metavar="ITEM", help="Only the items that come after this one.")
@click.option("--wait", is_flag=True, help="Wait for the end; exit with 4 when the job failed.")
@api_options
@shared_options
def results(  # noqa: PLR0913 - an option each
    *,
    job_id: str | None,
    form: str | None,
    spreadsheet_safe: bool,
    failed: bool,
    after: str | None,
    wait: bool,
) -> None:
    """Print the results of a job, as far as there are any, by item.

    Without JOB, of the last one. Of a job that has not ended, or was cancelled, stderr says how
    many items there are so far. However many there are, memory stays the same.

    \b
    Examples:
      batchctl results
      batchctl results demo-1 --wait
      batchctl results demo-1
      batchctl results demo-1 --failed
      batchctl results demo-1 --format csv > demo-1.csv
      batchctl results demo-1 --format csv --spreadsheet-safe > for-excel.csv
    """
    if spreadsheet_safe and form != "csv":
        raise UsageError(
            "could not use `--spreadsheet-safe`: it is about CSV", hint="add `--format csv`"
        )
    application, client = open_jobs()
    job_id = chosen_job(job_id, client)
    ended = follow(application, client, job_id) if wait else None
    counted = _Counted()
    found = counted.through(client.results(job_id, counted.take, retry_printer()), after)
    if failed:
        found = (result for result in found if result.status == ItemStatus.FAILED)
    try:
        _write(found, form or _default_form(), spreadsheet_safe=spreadsheet_safe)
    except Unreachable as error:
        raise _resumable(error, job_id, counted.last) from error
    counted.print_missing()
    if ended and ended.status != Status.SUCCEEDED:
        print_end(ended)


def _default_form() -> str:
    return "json" if current_options().json else "table"


def _write(found: Iterable[Result], form: str, *, spreadsheet_safe: bool) -> None:
    if form == "table":
        print_tables(tables.tables(found))
    elif form == "csv":
        tables.write_csv(found, CsvOut(), spreadsheet_safe=spreadsheet_safe)
    else:
        tables.write_json(found, JsonOut())


def _resumable(error: Unreachable, job_id: str, last: str | None) -> BatchctlError:
    """Return the error with the command that goes on after the last item that was read."""
    if last is None:
        return error
    hint = f"go on with `batchctl results {shlex.quote(job_id)} --after {shlex.quote(last)}`"
    return BatchctlError(error.message, hint=hint)


@dataclass
class _Counted:
    """Counts the results that pass, and knows how the job stood when they were read."""

    job: Job | None = None
    items: int = 0
    last: str | None = None

    def take(self, job: Job) -> None:
        """Note how the job stands."""
        self.job = job

    def through(self, found: Iterable[Result], after: str | None) -> Iterator[Result]:
        """Yield the results of the items after one, which the API orders by their bytes."""
        for result in found:
            self.items, self.last = self.items + 1, result.item
            if after is None or result.item.encode() > after.encode():
                yield result

    def print_missing(self) -> None:
        """Say how much of the job is there, when that isn't all."""
        if self.job and self.items < self.job.items:
            so_far = "" if self.job.ended else " so far"
            say(f"{self.items} of {self.job.items} items{so_far}, {self.job.status}")
