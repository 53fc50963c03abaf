"""`batchctl events`: what was done to the application, when, by whom."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from batchctl.cli.display.job import iso, local_time
from batchctl.cli.display.tables import Importance, print_table
from batchctl.cli.opening import open_recorded
from batchctl.cli.options import current_options, shared_options
from batchctl.cli.output import counted, print_json, say, show
from batchctl.errors import UsageError
from batchctl.jobs.tables import Table

if TYPE_CHECKING:
    from batchctl.application.past_runs import PastRun

COLUMNS = ("run", "when", "what", "who", "steps", "outcome", "took")
IMPORTANCE = Importance(kept=("run", "what", "outcome"), first=("took", "steps", "who"))


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
        raise UsageError(f"could not show run {number}: fewer runs are logged")
    if current_options().json:
        print_json(_as_json(run))
    else:
        _show(run)


def _list(runs: list[PastRun]) -> None:
    if current_options().json:
        print_json({"runs": [_as_json(each) for each in runs]})
        return
    if not runs:
        say("nothing was done yet")
        return
    rows = tuple(_row(number, run) for number, run in enumerate(runs, 1))
    print_table(Table(COLUMNS, rows), IMPORTANCE)


def _row(number: int, run: PastRun) -> tuple[str, ...]:
    took = "" if run.seconds is None else f"{run.seconds:.0f} s"
    outcome = f"{len(run.failed)} failed" if run.failed else run.outcome
    who = run.who.rpartition(":")[2] if run.who else run.machine
    return (str(number), _local(run.started), run.command, who, _steps(run), outcome, took)


def _local(started: str) -> str:
    """Return when a run began in this machine's time zone; as it was logged where it is no time."""
    with suppress(ValueError):
        return local_time(datetime.fromisoformat(started))
    return started


def _as_json(run: PastRun) -> dict[str, Any]:
    """Return a run as data; when it began is text as it was logged where it is no time."""
    plain = asdict(run)
    with suppress(ValueError):
        plain["started"] = iso(datetime.fromisoformat(run.started))
    return plain


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
