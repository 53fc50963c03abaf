"""`batchctl submit`: send a job, and wait for its end if asked."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import click

from batchctl.cli.commands.up import Answers, bring_up
from batchctl.cli.display.cost import show_estimate
from batchctl.cli.display.job import as_json
from batchctl.cli.display.job_progress import follow, print_end
from batchctl.cli.opening import open_jobs, open_to_build
from batchctl.cli.options import api_options, current_options, shared_options
from batchctl.cli.output import counted, print_json, say, show
from batchctl.cli.universe import UniverseOptions, read_universe, universe_options
from batchctl.contract.job_options import MAX_ITEMS_PER_TASK, MAX_PRIORITY, JobOptions
from batchctl.errors import UsageError
from batchctl.jobs.api.new_task import check_job
from batchctl.jobs.job_ids import new_job_id
from batchctl.jobs.parameters import from_options as parameters_of

if TYPE_CHECKING:
    from batchctl.jobs import Submitted
    from batchctl.jobs.cost.estimate import Estimate


@click.command()
@click.argument("job", nargs=-1, metavar="[JOB]")
@click.option("--job-id", help="Same as JOB: letters, digits, `_` and `-`.")
@universe_options
@click.option("--param", multiple=True, metavar="K=V", help="Parameter for compute(); V is JSON.")
@click.option(
    "--items-per-task",
    type=click.IntRange(1, MAX_ITEMS_PER_TASK),
    help="Items of one task.  [default: compute.items_per_task]",
)
@click.option("--max-failures", metavar="N|N%", help="End the job if more items than this fail.")
@click.option("--share", help="Share of the queue; jobs with the same share name count as one.")
@click.option(
    "--priority",
    type=click.IntRange(0, MAX_PRIORITY),
    help="Priority within the share; higher runs first.  [default: 0]",
)
@click.option(
    "--estimate", is_flag=True, help="Say what it would take by the last jobs; submit nothing."
)
@click.option("--wait", is_flag=True, help="Wait for the job to end; exit with 4 if it failed.")
@click.option("--up", "brings_up", is_flag=True, help="Run `up` first.")
@click.option("--yes", is_flag=True, help="With `--up`: apply the plan without asking.")
@api_options
@shared_options
def submit(  # noqa: PLR0913 - an option each
    *,
    job: tuple[str, ...],
    job_id: str | None,
    universe: UniverseOptions,
    param: tuple[str, ...],
    items_per_task: int | None,
    max_failures: str | None,
    share: str | None,
    priority: int | None,
    estimate: bool,
    wait: bool,
    brings_up: bool,
    yes: bool,
) -> None:
    """Submit a job. Submitting the same job again is safe: no new job is created.

    The status of the existing job is returned instead. JOB is an id that you choose. Without one,
    an id is made of the application's name and the time, and every submission is a new job.

    \b
    Examples:
      batchctl submit --universe AAPL,MSFT --wait
      batchctl submit demo-1 --universe AAPL,MSFT --wait
      batchctl submit demo-2 --universe-file symbols.txt --param paths=20000
      batchctl submit demo-3 --universe-file rows.csv --item-column symbol
      sort -u symbols.txt | batchctl submit demo-4 --universe-file -
      batchctl submit --universe-file symbols.txt --estimate
      batchctl submit demo-5 --universe-file symbols.txt --max-failures 5% --up
    """
    wanted = _wanted_id(job, job_id)
    items = read_universe(universe)
    parameters = parameters_of(param)
    options = JobOptions(items_per_task, _number_or_share(max_failures), share, priority)
    if brings_up:
        check_job(wanted or "new", items, parameters, options)
        bring_up(open_to_build(None, None), Answers(yes=yes))
    application, client = open_jobs()
    if application.has_new_code:
        say(
            f"note: `{application.config.compute.build}/` has changed since the last `batchctl up`:"
        )
        say("  this job runs the deployed version; `batchctl submit --up …` deploys the new one")
    if estimate:
        check_job(wanted or "new", items, parameters, options)
        _estimate(application.estimate(client, len(items)))
        return
    wanted = wanted or new_job_id(application.config.name)
    submitted = client.submit(wanted, items, parameters, options, _print_part)
    _print_submitted(submitted)
    if wait:
        ended = follow(application, client, wanted)
        if current_options().json:
            print_json(as_json(ended) | {"created": submitted.created})
        print_end(ended)
    elif current_options().json:
        print_json(as_json(submitted) | {"created": submitted.created})


def _estimate(found: Estimate | None) -> None:
    """Print what the job would take; UsageError while there is nothing to go by."""
    if found is None:
        raise UsageError(
            "could not estimate: no item of an ended job has succeeded yet",
            hint="submit a job of a few items first",
        )
    if current_options().json:
        print_json(dataclasses.asdict(found))
    else:
        show_estimate(found, show)


def _wanted_id(job: tuple[str, ...], job_id: str | None) -> str | None:
    """Return the id that the user chose; None without one, UsageError for several."""
    named = (*job, job_id) if job_id is not None else job
    if len(job) > 1:
        items = ",".join(job)
        raise UsageError(
            f"could not submit the job: it has one id, not {len(job)}",
            hint=f"items are named by `--universe {items}`",
        )
    if len(set(named)) > 1:
        raise UsageError(f"could not submit the job: `{named[0]}` and `{named[1]}` are two ids")
    return named[0] if named else None


def _number_or_share(max_failures: str | None) -> int | str | None:
    """Return a count as a number, a share (`5%`) as it stands; the rules are the request's."""
    whole = max_failures is not None and max_failures.isascii() and max_failures.isdecimal()
    return int(max_failures) if max_failures and whole else max_failures


def _print_part(sent: int, of: int) -> None:
    """Print how many parts of a large job are sent, ten times at most."""
    if sent == of or sent % -(-of // 10) == 0:
        say(f"sent {sent:,} of {of:,} parts")


def _print_submitted(submitted: Submitted) -> None:
    if submitted.created:
        say(f"submitted {submitted.job_id}: {counted(submitted.tasks, 'task')}")
    else:
        say(f"{submitted.job_id} was submitted before: it is {submitted.status}")
    say(f"see it with `batchctl show {submitted.job_id}`")
