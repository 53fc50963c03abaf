"""`batchctl watch`: follow a job to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from batchctl.cli.display.job import as_json
from batchctl.cli.display.job_progress import follow, print_end
from batchctl.cli.last_job import chosen_job, job_or_last
from batchctl.cli.opening import open_jobs
from batchctl.cli.options import api_options, current_options, shared_options
from batchctl.cli.output import print_json_line, show

if TYPE_CHECKING:
    from batchctl.jobs import Job


@click.command()
@job_or_last
@api_options
@shared_options
def watch(*, job_id: str | None) -> None:
    """Follow a job until it ends: progress, rate, time left, failures.

    Without JOB, follows the most recent job. Ctrl-C stops watching; the job continues. Exits with 4
    if the job fails or is cancelled. In a pipe, each change is a line; with `--json`, a JSON line.

    \b
    Examples:
      batchctl watch
      batchctl watch demo-1
      batchctl --local watch demo-1 --json
    """
    application, client = open_jobs()
    job_id = chosen_job(job_id, client)
    if current_options().json:
        job = follow(application, client, job_id, _print_change)
    else:
        job = follow(application, client, job_id, write=show)
    print_end(job)


def _print_change(job: Job) -> None:
    print_json_line(as_json(job))
