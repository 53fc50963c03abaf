"""`batchctl cancel`: end a job for good."""

from __future__ import annotations

import click

from batchctl.cli.display.job import as_json
from batchctl.cli.last_job import complete_job
from batchctl.cli.opening import open_recorded
from batchctl.cli.options import current_options, shared_options
from batchctl.cli.output import print_json, say


@click.command()
@click.argument("job_id", shell_complete=complete_job)
@shared_options
def cancel(*, job_id: str) -> None:
    """Cancel a job: waiting tasks don't start, running ones are stopped.

    Existing results are kept. `retry` can still run the rest.

    \b
    Examples:
      batchctl cancel demo-1
      batchctl --local cancel demo-1 --json
    """
    application = open_recorded()
    done = application.job_changes().cancel(job_id)
    if current_options().json:
        print_json(as_json(done))
        return
    tasks = done.tasks
    say(
        f"{job_id} is {done.status}: {tasks.succeeded} of {tasks.total} tasks had succeeded, "
        f"{tasks.failed} failed"
    )
    say(f"see its results with `batchctl results {job_id}`")
