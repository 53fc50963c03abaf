"""`batchctl delete`: a job and its results, for good."""

from __future__ import annotations

import click

from batchctl.cli.last_job import complete_job
from batchctl.cli.opening import open_recorded
from batchctl.cli.options import current_options, shared_options
from batchctl.cli.output import print_json, say
from batchctl.cli.runs import confirm


@click.command()
@click.argument("job_id", shell_complete=complete_job)
@click.option("--yes", is_flag=True, help="Don't ask before deleting.")
@shared_options
def delete(*, job_id: str, yes: bool) -> None:
    """Delete a job that has ended: its record, its universe and its results, for good.

    A job that runs is refused: `batchctl cancel` ends it. Its id is free afterwards. What its tasks
    wrote stays in the logs as long as they are kept.

    \b
    Examples:
      batchctl delete demo-1
      batchctl delete demo-1 --yes
    """
    application = open_recorded()
    changes = application.job_changes()
    confirm(f"delete job {job_id} and its results for good?", yes=yes)
    changes.delete(job_id, lambda: say(f"deleting {job_id}: it has many items"))
    if current_options().json:
        print_json({"job_id": job_id, "deleted": True})
        return
    say(f"deleted {job_id}")
