"""`batchctl submit`: send a job, and wait for its end if asked."""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING

import click

from batchctl.cli.display.job import as_json, spelled
from batchctl.cli.display.job_progress import follow, print_end
from batchctl.cli.opening import open_jobs
from batchctl.cli.options import api_options, current_options, shared_options
from batchctl.cli.output import print_json, say
from batchctl.jobs.parameters import from_options as parameters_of
from batchctl.jobs.universe import from_options as universe_of

if TYPE_CHECKING:
    from batchctl.application import Application
    from batchctl.jobs import Submitted


@click.command()
@click.option("--job-id", required=True, help="A name of your own: letters, digits, `_` and `-`.")
@click.option("--universe", multiple=True, help="Items, with commas; may be given repeatedly.")
@click.option("--universe-file", metavar="F|-", help="File with one item a line; `-` is stdin.")
@click.option("--param", multiple=True, metavar="K=V", help="Parameter for compute(); V is JSON.")
@click.option("--wait", is_flag=True, help="Wait for the end; exit with 4 when the job failed.")
@api_options
@shared_options
def submit(
    *,
    job_id: str,
    universe: tuple[str, ...],
    universe_file: str | None,
    param: tuple[str, ...],
    wait: bool,
) -> None:
    """Submit a job. The same job again is no new job, but the same one as it stands.

    \b
    Examples:
      batchctl submit --job-id demo-1 --universe AAPL,MSFT --wait
      batchctl submit --job-id demo-2 --universe-file symbols.txt --param paths=20000
      sort -u symbols.txt | batchctl submit --job-id demo-3 --universe-file -
    """
    items = universe_of(universe, universe_file, sys.stdin.buffer)
    parameters = parameters_of(param)
    application, client = open_jobs()
    submitted = client.submit(job_id, items, parameters)
    _print_submitted(application, submitted)
    if wait:
        job = follow(application, client, job_id)
        if current_options().json:
            print_json(as_json(job))
        print_end(application, job)
    elif current_options().json:
        print_json(dataclasses.asdict(submitted))


def _print_submitted(application: Application, submitted: Submitted) -> None:
    if submitted.created:
        say(f"submitted {submitted.job_id}: {submitted.tasks} tasks")
    else:
        say(f"{submitted.job_id} was submitted before: it is {submitted.status}")
    say(f"see it with `{spelled(application)} show {submitted.job_id}`")
