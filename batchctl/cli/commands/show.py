"""`batchctl show`: one job."""

from __future__ import annotations

import click

from batchctl.cli.display.job import as_json, show_job
from batchctl.cli.last_job import chosen_job, job_or_last
from batchctl.cli.opening import open_jobs
from batchctl.cli.options import api_options, current_options, shared_options
from batchctl.cli.output import print_json, say
from batchctl.jobs.diagnosis.failures import count_reasons


@click.command()
@job_or_last
@api_options
@shared_options
def show(*, job_id: str | None) -> None:
    """Show a job: its status, progress, failures and Spot interruptions.

    Without JOB, shows the most recent job. Counts can be a few seconds old.

    \b
    Examples:
      batchctl show
      batchctl show demo-1
      batchctl --local show demo-1 --json
    """
    _, client = open_jobs()
    job_id = chosen_job(job_id, client)
    job = client.show(job_id, limit=1)
    reasons = job.failures
    if reasons is None:  # from an API that doesn't count them
        reasons = count_reasons(client.results(job_id)) if job.tasks.failed else {}
    if current_options().json:
        print_json(as_json(job) | {"failures": reasons})
        return
    show_job(job, reasons)
    say("")
    say(f"results: `batchctl results {job_id}`")
