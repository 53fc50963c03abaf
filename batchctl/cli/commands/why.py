"""`batchctl why`: on one screen, what AWS says about a job, the likely cause and what to do."""

from __future__ import annotations

import click

from batchctl.cli.display.diagnosis import as_json, show_diagnosis
from batchctl.cli.last_job import chosen_job, job_or_last
from batchctl.cli.opening import open_recorded
from batchctl.cli.options import api_options, assumes_api_role, current_options, shared_options
from batchctl.cli.output import print_json


@click.command()
@job_or_last
@api_options
@shared_options
def why(*, job_id: str | None) -> None:
    """Explain why a job waits or failed, and what to do.

    Shows what AWS reports, the likely cause and the fix. Without JOB, explains the most recent job.

    \b
    Examples:
      batchctl why
      batchctl why demo-1
      batchctl why demo-1 --json
    """
    application = open_recorded()
    if job_id is None:
        job_id = chosen_job(None, application.jobs(assume_api_role=assumes_api_role()))
    found = application.why(job_id, assume_api_role=assumes_api_role())
    if current_options().json:
        print_json(as_json(found))
    else:
        show_diagnosis(found)
