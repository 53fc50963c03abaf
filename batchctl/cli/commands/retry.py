"""The commands that change a job: cancel, retry."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import click

from batchctl.cli.display.job import spelled
from batchctl.cli.options import current_options, shared_options
from batchctl.cli.output import print_json, say

if TYPE_CHECKING:
    from batchctl.application.application import Application
    from batchctl.jobs.control import JobChanges

MEBIBYTES = {"": 1, "MIB": 1, "M": 1, "GIB": 1024, "G": 1024}


@click.command()
@click.argument("job_id")
@shared_options
def cancel(*, job_id: str) -> None:
    """End a job for good: queued tasks don't start, running ones are stopped.

    The results that there are stay. `retry` runs the rest after all.

    \b
    Examples:
      batchctl cancel demo-1
      batchctl --local cancel demo-1 --json
    """
    application, changes = _open()
    done = changes.cancel(job_id)
    if application.options.json:
        print_json(dataclasses.asdict(done))
        return
    tasks = done.tasks
    say(
        f"{job_id} is {done.status}: {tasks.succeeded} of {tasks.total} tasks had succeeded, "
        f"{tasks.failed} failed"
    )
    say(f"what there is: `{spelled(application)} results {job_id}`")


@click.command()
@click.argument("job_id")
@click.option("--memory", metavar="MIB", help="Memory of a task for this attempt: `4096`, `4GiB`.")
@click.option("--on-demand", is_flag=True, help="Run this attempt on demand, without Spot.")
@shared_options
def retry(*, job_id: str, memory: str | None, on_demand: bool) -> None:
    """Run the failed items of a job again, as another attempt of the same job.

    Results that say SUCCEEDED stay, and are not computed again. The job must have ended.

    \b
    Examples:
      batchctl retry demo-1
      batchctl retry demo-1 --memory 4GiB
      batchctl retry demo-1 --on-demand
    """
    memory_mib = None if memory is None else _mebibytes(memory)
    application, changes = _open()
    done = changes.retry(job_id, memory_mib=memory_mib, on_demand=on_demand)
    if application.options.json:
        print_json(dataclasses.asdict(done))
        return
    say(
        f"{job_id} is {done.status}: attempt {done.attempt} has {done.items} items "
        f"in {done.tasks} tasks"
    )
    say(f"see it with `{spelled(application)} watch {job_id}`")


def _open() -> tuple[Application, JobChanges]:
    from batchctl.application.application import open_recorded
    from batchctl.application.job_resources import tracker_of
    from batchctl.jobs.control import JobChanges

    application = open_recorded(current_options())
    return application, JobChanges(application.aws, tracker_of(application))


def _mebibytes(text: str) -> int:
    """Read `4096`, `4096MiB` or `4GiB`; raises BadParameter, also for less than Batch's 4 MiB."""
    number = text.rstrip("BbIiMmGg")
    factor = MEBIBYTES.get(text[len(number) :].upper())
    if not number.isascii() or not number.isdigit() or factor is None or int(number) * factor < 4:
        raise click.BadParameter(
            f"`{text}` is no memory: give `4096` (MiB) or `4GiB`", param_hint="--memory"
        )
    return int(number) * factor
