"""`batchctl down`: delete what `up` made, say what stays, why, and what it costs."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from batchctl.cli.options import current_options, shared_options
from batchctl.cli.output import print_json, say
from batchctl.cli.runs import confirm, confirm_ending, end, stopping, tell_failures

if TYPE_CHECKING:
    from batchctl.application.application import Application
    from batchctl.engine.destroy import Remaining
    from batchctl.engine.plan import Plan

AGAIN = "`batchctl down` again finishes it"


@click.command()
@click.option("--delete-data", is_flag=True, help="Delete the job table even with jobs in it.")
@click.option("--yes", is_flag=True, help="Don't ask before deleting, or before ending jobs.")
@shared_options
def down(*, delete_data: bool, yes: bool) -> None:
    """Delete everything that `up` made; a job table that holds jobs is kept.

    New jobs are refused first. Jobs that still run are ended, after a question that says how many.
    What can't be deleted yet is listed with the reason; `down` again finishes it. Works from the
    state alone: config.yaml may have changed or be gone.

    \b
    Examples:
      batchctl down
      batchctl --local down --delete-data --yes
    """
    from batchctl.application.application import open_recorded
    from batchctl.engine.lock import locked

    application = open_recorded(current_options())
    if not application.state_path.exists():
        say(f"nothing to delete: `{application.state_path}` does not exist")
        return
    with locked(application.state_path):
        _down(application, delete_data=delete_data, yes=yes)


def _down(application: Application, *, delete_data: bool, yes: bool) -> None:
    from batchctl.cli.display.plan import as_json, show_plan
    from batchctl.cli.display.progress import progress
    from batchctl.engine.destroy import destroy, remaining_after

    made = _planned(application, delete_data=delete_data)
    show_plan(made)
    confirm_ending(made, yes=yes)
    for step in made.changes:
        if step.loses_data:
            confirm(f"{step.address} holds {step.loses_data}: delete it as well?", yes=yes)
    confirm(f"delete these {len(made.changes)} resources?", yes=yes or not made.changes)
    aws, state = application.aws, application.state
    with stopping(application), progress(len(made.changes)) as emit:
        outcome = destroy(made, state, aws, emit)
    left = remaining_after(made, outcome, state)
    code = tell_failures(outcome, AGAIN)
    _print_remaining(left)
    _tell_kept(made)
    if not code:
        say(f"deleted {len(made.changes)} resources")
    if application.options.json:
        print_json({**as_json(made), "left": [dataclasses.asdict(each) for each in left]})
    if code:
        sys.exit(code)


def _planned(application: Application, *, delete_data: bool) -> Plan:
    from batchctl import stack  # noqa: F401 - registers the resource kinds
    from batchctl.cli.display.read_progress import Looking
    from batchctl.engine.destroy import plan_destroy

    aws, state = application.aws, application.state
    with stopping(application):
        made = plan_destroy(state, aws, delete_data=delete_data, on_wait=Looking().wait)
    end(made.outcome, "nothing was changed")
    return made


def _print_remaining(left: Sequence[Remaining]) -> None:
    if left:
        say("")
        say(f"still there, until {AGAIN}:")
    for each in left:
        say(f"  {each.address}  {each.name}  ({each.why}; {each.cost})")


def _tell_kept(made: Plan) -> None:
    for step in made.steps:
        if not step.mutates:
            say(f"kept {step.address} ({step.name}): {step.kept_because}")
