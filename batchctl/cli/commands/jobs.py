"""The commands that submit jobs, list them and show one."""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING

import click

from batchctl.cli.commands.watch import follow, tell_end
from batchctl.cli.display.job import as_json, as_plain, moment, show_job, spelled
from batchctl.cli.options import api_options, shared_options
from batchctl.cli.output import add_row, data, print_json, say, table

if TYPE_CHECKING:
    from batchctl.application.application import Application
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
    from batchctl.jobs.parameters import from_options as parameters_of
    from batchctl.jobs.universe import from_options as universe_of

    items = universe_of(universe, universe_file, sys.stdin.buffer)
    parameters = parameters_of(param)
    from batchctl.application.caller import open_jobs

    application, client = open_jobs()
    submitted = client.submit(job_id, items, parameters)
    _tell_submitted(application, submitted)
    if wait:
        job = follow(application, client, job_id)
        if application.options.json:
            print_json(as_json(job))
        tell_end(application, job)
    elif application.options.json:
        print_json(dataclasses.asdict(submitted))


def _tell_submitted(application: Application, submitted: Submitted) -> None:
    if submitted.created:
        say(f"submitted {submitted.job_id}: {submitted.tasks} tasks")
    else:
        say(f"{submitted.job_id} was submitted before: it is {submitted.status}")
    say(f"see it with `{spelled(application)} show {submitted.job_id}`")


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
    """List recent jobs, newest first.

    \b
    Examples:
      batchctl jobs
      batchctl jobs --limit 100 --json
    """
    from batchctl.application.caller import open_jobs

    application, client = open_jobs()
    page = client.list(limit=limit)
    if application.options.json:
        print_json([as_plain(job) for job in page.jobs])
        return
    listed = table("job", "status", "items", "tasks", "created", "finished")
    for job in page.jobs:
        times = (moment(job.created_at), moment(job.finished_at))
        add_row(listed, job.job_id, job.status, str(job.items), str(job.tasks), *times)
    data().print(listed)


@click.command()
@click.argument("job_id")
@api_options
@shared_options
def show(*, job_id: str) -> None:
    """Show a job: its status, the counts of its tasks, why items failed, what reclaims cost.

    The reasons are counted over the first 5,000 results.

    \b
    Examples:
      batchctl show demo-1
      batchctl --local show demo-1 --json
    """
    from batchctl.application.caller import open_jobs
    from batchctl.jobs.diagnosis.failures import count_reasons

    application, client = open_jobs()
    job = client.show(job_id, limit=1)
    reasons = count_reasons(client.results(job_id)) if job.tasks.failed else {}
    if application.options.json:
        print_json(as_json(job) | {"reasons": reasons})
        return
    show_job(job, reasons)
    say("")
    say(f"results: `{spelled(application)} results {job_id}`")
