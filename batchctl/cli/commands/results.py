"""`batchctl results`: as a table, as CSV or as JSON, on stdout or in a file."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from batchctl.cli.display.job_progress import follow, print_end, retry_printer
from batchctl.cli.display.results import IMPORTANCE
from batchctl.cli.display.tables import print_tables
from batchctl.cli.last_job import chosen_job, job_or_last
from batchctl.cli.opening import open_jobs
from batchctl.cli.options import api_options, current_options, shared_options, wide_option
from batchctl.cli.output import CsvOut, JsonOut, say
from batchctl.contract.statuses import ItemStatus, Status, TaskStatus
from batchctl.errors import BatchctlError, UsageError
from batchctl.jobs import Unreachable, tables
from batchctl.jobs.api.client import Wanted
from batchctl.jobs.result_files import format_of, write_file
from batchctl.jobs.selection import in_order_of, with_status

if TYPE_CHECKING:
    from batchctl.jobs import Job, JobsClient, Result


STATUSES = (*ItemStatus, TaskStatus.PENDING)


@click.command()
@job_or_last
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json", "jsonl"]),
    help="Output format.  [default: table]",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write them to a file, in the format of its ending: .csv, .json, .jsonl, .parquet.",
)
@click.option("--columns", metavar="A,B", help="Only these columns, in this order.")
@click.option("--sort", metavar="COLUMN[:desc]", help="Sort by a column.")
@click.option(
    "--spreadsheet-safe",
    is_flag=True,
    help="In CSV: quote cells that a spreadsheet would run as formulas.",
)
@click.option(
    "--status",
    multiple=True,
    type=click.Choice(STATUSES, case_sensitive=False),
    help="Only items with this status; may be given repeatedly.",
)
@click.option("--failed", is_flag=True, help="Same as `--status FAILED`.")
@click.option("--all", "every", is_flag=True, help="Also the items without a result, as PENDING.")
@click.option("--item", "items", multiple=True, help="Only this item; may be given repeatedly.")
@click.option("--after", metavar="ITEM", help="Only the items after this one.")
@click.option("--wait", is_flag=True, help="Wait for the job to end; exit with 4 if it failed.")
@wide_option
@api_options
@shared_options
def results(  # noqa: PLR0913 - an option each
    *,
    job_id: str | None,
    form: str | None,
    output: Path | None,
    columns: str | None,
    sort: str | None,
    spreadsheet_safe: bool,
    status: tuple[str, ...],
    failed: bool,
    every: bool,
    items: tuple[str, ...],
    after: str | None,
    wait: bool,
    wide: bool,
) -> None:
    """Print the results of a job, item by item, in the order of its universe.

    Without JOB, prints those of the most recent job. If the job has not ended or was cancelled,
    stderr says how many items have results. Results are streamed, so memory use stays constant. A
    file is written whole or not at all.

    \b
    Examples:
      batchctl results
      batchctl results demo-1 --wait
      batchctl results demo-1 --output demo-1.csv
      batchctl results demo-1 --failed --columns item,reason,error
      batchctl results demo-1 --sort seconds:desc
      batchctl results demo-1 --item AAPL --format json
      batchctl results demo-1 --output for-excel.csv --spreadsheet-safe
    """
    layout = _Layout(_form(form, output), output, _names(columns), spreadsheet_safe, wide)
    statuses = {*status, *((str(ItemStatus.FAILED),) if failed else ())}
    every = every or TaskStatus.PENDING in statuses
    wanted = Wanted(in_order=True, every=every, after=after)
    application, client = open_jobs()
    job_id = chosen_job(job_id, client)
    ended = follow(application, client, job_id) if wait else None
    counted = _Counted()
    if items:
        found = _of_items(client, job_id, items)
    else:
        found = counted.through(client.results(job_id, counted.take, retry_printer(), wanted))
    found = with_status(found, statuses)
    if sort is not None:
        column, _, direction = sort.partition(":")
        found = in_order_of(found, column, descending=_is_descending(direction))
    try:
        layout.write(found)
    except Unreachable as error:
        raise _resumable(error, job_id, None if sort or output else counted.last) from error
    if after is None:
        counted.print_missing()
    if output is not None:
        say(f"wrote {output}")
    if ended and ended.status != Status.SUCCEEDED:
        print_end(ended)


def _form(form: str | None, output: Path | None) -> str:
    if output is not None:
        if form is not None and form != format_of(output):
            raise UsageError(f"could not write `{output}` as `{form}`: its ending says the format")
        return format_of(output)
    return form or ("json" if current_options().json else "table")


def _names(columns: str | None) -> tuple[str, ...]:
    found = () if columns is None else tuple(name.strip() for name in columns.split(","))
    if "" in found:
        raise UsageError("could not read `--columns`: there is nothing beside a comma")
    return found


def _is_descending(direction: str) -> bool:
    if direction not in ("", "asc", "desc"):
        raise UsageError(f"could not sort: `{direction}` is neither `asc` nor `desc`")
    return direction == "desc"


def _of_items(client: JobsClient, job_id: str, items: Sequence[str]) -> Iterator[Result]:
    """Yield the results of items; stderr says which have none."""
    for item in items:
        result = client.result_of(job_id, item)
        if result is None:
            say(f"item `{item}` has no result")
        else:
            yield result


@dataclass(frozen=True)
class _Layout:
    """How results are laid out: the format, the file (None: stdout) and the columns (none: all)."""

    form: str
    output: Path | None
    columns: tuple[str, ...]
    spreadsheet_safe: bool
    wide: bool

    def __post_init__(self) -> None:
        if self.spreadsheet_safe and self.form != "csv":
            raise UsageError(
                "could not use `--spreadsheet-safe`: it only applies to CSV",
                hint="add `--format csv`",
            )

    def write(self, found: Iterable[Result]) -> None:
        if self.output is not None:
            write_file(found, self.output, self.columns, self._csv if self.form == "csv" else None)
        elif self.form == "table":
            print_tables(tables.tables(found, self.columns), IMPORTANCE, wide=self.wide)
        elif self.form == "csv":
            self._csv(found, CsvOut(), self.columns)
        else:
            as_lines = self.form == "jsonl"
            write = tables.write_json_lines if as_lines else tables.write_json
            write(found, JsonOut(), self.columns)

    def _csv(self, found: Iterable[Result], out: tables.Out, columns: Sequence[str]) -> None:
        tables.write_csv(found, out, columns, spreadsheet_safe=self.spreadsheet_safe)


def _resumable(error: Unreachable, job_id: str, last: str | None) -> BatchctlError:
    """Return the error with the command that goes on after the last item that was read."""
    if last is None:
        return error
    hint = f"continue with `batchctl results {shlex.quote(job_id)} --after {shlex.quote(last)}`"
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

    def through(self, found: Iterable[Result]) -> Iterator[Result]:
        """Yield results; those that are PENDING are none."""
        for result in found:
            self.items += result.status != TaskStatus.PENDING
            self.last = result.item
            yield result

    def print_missing(self) -> None:
        """Say how much of the job is there, when that isn't all."""
        if self.job and self.items < self.job.items:
            so_far = "" if self.job.ended else " so far"
            say(f"{self.items} of {self.job.items} items{so_far}, {self.job.status}")
