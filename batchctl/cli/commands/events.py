"""`batchctl events`: what was done to the application, when, by whom."""

from __future__ import annotations

from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING

import click

from batchctl.cli.opening import open_recorded
from batchctl.cli.options import current_options, shared_options
from batchctl.cli.output import add_row, counted, data, print_json, say, show, table
from batchctl.errors import UsageError

if TYPE_CHECKING:
    from batchctl.application.past_runs import PastRun


@click.command()
@click.argument("number", required=False, type=click.IntRange(min=1), metavar="[RUN]")
@click.option("--limit", default=10, show_default=True, help="How many runs to list.")
@shared_options
def events(*, number: int | None, limit: int) -> None:
    """Show what was done to the application: every `up` and `down`, when, by whom.

    With RUN, a number of the list, the steps of that run and the calls that AWS refused, with their
    request ids; `-v` shows every call. The last 50 runs are kept, beside the state.

    \b
    Examples:
      batchctl events
      batchctl events 1
      batchctl events 1 -v
    """
    from batchctl.application.past_runs import past_runs  # noqa: PLC0415 - few need it

    application = open_recorded()
    found = past_runs(application.target.state_folder, application.config.name)
    if number is None:
        _list(list(islice(found, limit)))
        return
    run = next(islice(found, number - 1, None), None)
    if run is None:
        raise UsageError(f"could not show run {number}: there are not so many")
    if current_options().json:
        print_json(asdict(run))
    else:
        _show(run)


def _list(runs: list[PastRun]) -> None:
    if current_options().json:
        print_json([asdict(each) for each in runs])
        return
    if not runs:
        say("nothing was done yet")
        return
    listed = table("run", "when", "what", "who", "steps", "outcome", "took")
    for number, run in enumerate(runs, 1):
        took = "" if run.seconds is None else f"{run.seconds:.0f} s"
        outcome = f"{len(run.failed)} failed" if run.failed else run.outcome
        who = run.who.rpartition(":")[2] if run.who else run.machine
        add_row(listed, str(number), run.started, run.command, who, _steps(run), outcome, took)
    data().print(listed)


def _steps(run: PastRun) -> str:
    return ", ".join(f"{count} {outcome}" for outcome, count in run.counts.items())


def _show(run: PastRun) -> None:
    show(f"{run.command} of `{run.stack}`, {run.started}, by {run.who or 'unknown'}")
    show(f"on {run.machine}, batchctl {run.version}: {run.outcome}")
    for step in run.steps:
        took = f" ({step['seconds']} s)" if "seconds" in step else ""
        error = f": {step['error']}" if step.get("error") else ""
        show(f"  {step['outcome']} {step['address']} ({step['action']}){took}{error}")
    calls = run.calls if current_options().verbose else run.refused_calls
    show(
        f"{counted(len(run.calls), 'call')} of AWS, {len(run.refused_calls)} refused or unanswered"
    )
    for call in calls:
        show(f"  {call}")
