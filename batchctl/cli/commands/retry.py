"""`batchctl retry`: run the failed items of a job again."""

from __future__ import annotations

import click

from batchctl.cli.display.job import as_json
from batchctl.cli.display.job_progress import follow, print_end
from batchctl.cli.last_job import complete_job
from batchctl.cli.opening import open_jobs, open_recorded
from batchctl.cli.options import api_options, current_options, shared_options
from batchctl.cli.output import counted, print_json, say
from batchctl.contract.limits import MIN_MEMORY_MIB
from batchctl.contract.memory import mebibytes


@click.command()
@click.argument("job_id", shell_complete=complete_job)
@click.option("--memory", metavar="MIB", help="Memory per task: `4096` (MiB) or `4GiB`.")
@click.option("--on-demand", is_flag=True, help="Use on-demand instances instead of Spot.")
@click.option("--item", "items", multiple=True, help="Only this item; may be given repeatedly.")
@click.option("--wait", is_flag=True, help="Wait for the job to end; exit with 4 if it failed.")
@api_options
@shared_options
def retry(
    *, job_id: str, memory: str | None, on_demand: bool, items: tuple[str, ...], wait: bool
) -> None:
    """Run the failed items of a job again.

    Items that succeeded are not computed again. The job must have ended.

    \b
    Examples:
      batchctl retry demo-1
      batchctl retry demo-1 --memory 4GiB
      batchctl retry demo-1 --on-demand --wait
      batchctl retry demo-1 --item AAPL --item MSFT
    """
    memory_mib = None if memory is None else _mebibytes(memory)
    application = open_recorded()
    done = application.job_changes().retry(
        job_id, memory_mib=memory_mib, on_demand=on_demand, items=items
    )
    if current_options().json and not wait:
        print_json(as_json(done) | {"items": None, "retried_items": done.items})
        return
    say(
        f"{job_id} is {done.status}: attempt {done.attempt} has {counted(done.items, 'item')} "
        f"in {counted(done.tasks, 'task')}"
    )
    if not wait:
        say(f"see it with `batchctl watch {job_id}`")
        return
    jobs_of, client = open_jobs()
    ended = follow(jobs_of, client, job_id)
    if current_options().json:
        print_json(as_json(ended))
    print_end(ended)


def _mebibytes(text: str) -> int:
    """Read `4096`, `4096MiB` or `4GiB`; raises BadParameter, also for less than Batch takes."""
    found = mebibytes(text)
    if found is None or found < MIN_MEMORY_MIB:
        raise click.BadParameter(
            f"`{text}` is not an amount of memory: give `4096` (MiB) or `4GiB`",
            param_hint="--memory",
        )
    return found
