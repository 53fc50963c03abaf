"""`batchctl jobs`: the recent jobs."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from itertools import islice
from typing import TYPE_CHECKING

import click

from batchctl.cli.display.job import as_plain, local_time
from batchctl.cli.opening import open_jobs
from batchctl.cli.options import api_options, current_options, shared_options
from batchctl.cli.output import add_row, data, print_json, say, table
from batchctl.contract.statuses import Status
from batchctl.jobs.timestamps import since as since_of

if TYPE_CHECKING:
    from batchctl.jobs import JobSummary

SHOWN = [str(each) for each in Status if each is not Status.RECEIVING]
PAGE = 100


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
@api_options
@shared_options
def jobs(
    *, limit: int, every: bool, status: tuple[str, ...], since: str | None, name: str | None
) -> None:
    """List recent jobs, newest first, with the items that are done and that failed.

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
        print_json([as_plain(job) for job in listing])
        return
    if not listing:
        nothing = (
            "no job matches" if wanted.filters else "no jobs yet: `batchctl submit` starts one"
        )
        say(nothing)
        return
    listed = table("job", "status", "items", "done", "failed", "tasks", "created", "finished")
    for job in listing:
        times = (local_time(job.created_at), local_time(job.finished_at))
        counts = job.item_counts
        known = (str(counts.ended), str(counts.failed)) if counts else ("", "")
        add_row(listed, job.job_id, job.status, str(job.items), *known, str(job.tasks), *times)
    data().print(listed)


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
