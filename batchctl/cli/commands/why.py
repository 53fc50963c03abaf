"""`batchctl why`: on one screen, what AWS says about a job, the likely cause and what to do."""

from __future__ import annotations

import click

from batchctl.cli.display.diagnosis import as_json, show_diagnosis
from batchctl.cli.opening import open_application
from batchctl.cli.options import api_options, assumes_api_role, current_options, shared_options
from batchctl.cli.output import print_json


@click.command()
@click.argument("job_id")
@api_options
@shared_options
def why(*, job_id: str) -> None:
    """Say why a job waits or failed: what AWS says, the likely cause, what to do.

    \b
    Examples:
      batchctl why demo-1
      batchctl why demo-1 --json
    """
    application = open_application()
    found = application.why(job_id, assume_api_role=assumes_api_role())
    if current_options().json:
        print_json(as_json(found))
    else:
        show_diagnosis(found)
