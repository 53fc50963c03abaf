"""`batchctl jobs`: the recent jobs."""

from __future__ import annotations

import click

from batchctl.cli.display.job import as_plain, local_time
from batchctl.cli.opening import open_jobs
from batchctl.cli.options import api_options, current_options, shared_options
from batchctl.cli.output import add_row, data, print_json, say, table


@click.command()
@click.option(
    "--limit",
    type=click.IntRange(1, 100),
    default=20,
    show_default=True,
    help="How many jobs.",
)
@api_options
@shared_options
def jobs(*, limit: int) -> None:
    """List recent jobs, newest first, with the items that are done and that failed.

    \b
    Examples:
      batchctl jobs
      batchctl jobs --limit 100 --json
    """
    _, client = open_jobs()
    page = client.list(limit=limit)
    if current_options().json:
        print_json([as_plain(job) for job in page.jobs])
        return
    if not page.jobs:
        say("no jobs yet: `batchctl submit` starts one")
        return
    listed = table("job", "status", "items", "done", "failed", "tasks", "created", "finished")
    for job in page.jobs:
        times = (local_time(job.created_at), local_time(job.finished_at))
        counts = job.item_counts
        known = (str(counts.ended), str(counts.failed)) if counts else ("", "")
        add_row(listed, job.job_id, job.status, str(job.items), *known, str(job.tasks), *times)
    data().print(listed)
