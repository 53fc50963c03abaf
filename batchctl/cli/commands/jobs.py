"""`batchctl jobs`: the recent jobs."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from itertools import islice
from typing import TYPE_CHECKING

import click

from batchctl.cli.display.job import as_json, local_time
from batchctl.cli.display.tables import Importance, print_table
from batchctl.cli.opening import open_jobs
from batchctl.cli.options import api_options, current_options, shared_options, wide_option
from batchctl.cli.output import print_json, say
from batchctl.contract.statuses import Status
from batchctl.jobs.tables import Table
from batchctl.jobs.timestamps import since as since_of

if TYPE_CHECKING:
    from batchctl.jobs import JobSummary

SHOWN = [str(each) for each in Status if each is not Status.RECEIVING]
PAGE = 100
COLUMNS = ("job", "status", "items", "done", "failed", "tasks", "created", "finished")
IMPORTANCE = Importance(
    kept=("job", "status"), first=("tasks", "finished", "created"), last=("failed", "done")
)


@click.command()
@click.option(
    "--limit",
    type=click.IntRange(1, 100),
    default=20,
    show_default=True,
    help="How many jobs at most.",
)
@click.option("--all", "every", is_flag=True, help="All jobs that are kept.")
@click.option(
    "--status",
    multiple=True,
    type=click.Choice(SHOWN, case_sensitive=False),
    help="Only jobs with this status; may be given repeatedly.",
)
@click.option(
    "--since",
    metavar="WHEN",
    help="Only jobs since then: `30s`, `10m`, `2h`, `1d` ago, or a date and time.",
)
@click.option("--name", metavar="PATTERN", help="Only jobs whose id matches, as `risk-*`.")
@wide_option
@api_options
@shared_options
def jobs(  # noqa: PLR0913 - an option each
    *,
    limit: int,
    every: bool,
    status: tuple[str, ...],
    since: str | None,
    name: str | None,
    wide: bool,
) -> None:
    """List recent jobs, newest first.

    With a filter, as many pages are read as it takes.

    \b
    Examples:
      batchctl jobs
      batchctl jobs --limit 100 --json
      batchctl jobs --status RUNNING --status QUEUED --all
      batchctl jobs --name 'risk-*' --since 7d
    """
    oldest = None
    if since is not None:
        oldest = datetime.fromtimestamp(since_of(since, time.time()) / 1000, UTC)
    _, client = open_jobs()
    wanted = _Filter(frozenset(status), oldest, name)
    found = wanted.of(client.all_jobs(PAGE if every or wanted.filters else limit))
    listing = list(found if every else islice(found, limit))
    if current_options().json:
        print_json({"jobs": [as_json(job) for job in listing], "next": None})
        return
    if not listing:
        nothing = (
            "no job matches" if wanted.filters else "no jobs yet: `batchctl submit` starts one"
        )
        say(nothing)
        return
    print_table(_listed(listing), IMPORTANCE, wide=wide)


@dataclass(frozen=True)
class _Filter:
    """Which jobs are listed: of these statuses, not older, with such an id; empty: all."""

    statuses: frozenset[str]
    oldest: datetime | None
    pattern: str | None

    @property
    def filters(self) -> bool:
        """Whether it leaves any out."""
        return bool(self.statuses or self.oldest or self.pattern)

    def of(self, found: Iterable[JobSummary]) -> Iterator[JobSummary]:
        """Yield those that it lets through, newest first."""
        for job in found:
            if self.oldest is not None and job.created_at < self.oldest:
                return
            has_status = not self.statuses or job.status in self.statuses
            if has_status and fnmatchcase(job.job_id, self.pattern or "*"):
                yield job


def _listed(jobs: Sequence[JobSummary]) -> Table:
    """Lay out jobs, a row each."""
    return Table(COLUMNS, tuple(map(_row, jobs)))


def _row(job: JobSummary) -> tuple[str, ...]:
    counts = job.item_counts
    known = (f"{counts.ended:,}", f"{counts.failed:,}") if counts else ("", "")
    times = (local_time(job.created_at), local_time(job.finished_at))
    return (job.job_id, job.status, f"{job.items:,}", *known, f"{job.tasks:,}", *times)
