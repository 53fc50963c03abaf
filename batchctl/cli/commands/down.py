"""`batchctl down`: delete what `up` made, say what stays, why, and what it costs."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from batchctl import application as applications
from batchctl.cli.display.other_stacks import show_other_stacks
from batchctl.cli.display.plan import as_json, show_plan
from batchctl.cli.display.progress import progress
from batchctl.cli.display.read_progress import ReadProgress
from batchctl.cli.opening import open_to_delete
from batchctl.cli.options import current_options, shared_options
from batchctl.cli.output import counted, print_json, say
from batchctl.cli.runs import (
    confirm,
    confirm_ending,
    end,
    outcome_as_json,
    planned,
    print_failures,
    stopping,
)
from batchctl.errors import UsageError

if TYPE_CHECKING:
    from batchctl.application import BuildableApplication
    from batchctl.application.takeover import Takeover
    from batchctl.engine.destroy import Remaining
    from batchctl.engine.plan import Plan

AGAIN = "`batchctl down` again finishes it"


@click.command()
@click.option("--delete-data", is_flag=True, help="Delete the job table and logs even with data.")
@click.option("--adopt", is_flag=True, help="Delete a stack that no state in this folder knows.")
@click.option("--yes", is_flag=True, help="Delete, and end running jobs, without asking.")
@shared_options
def down(*, delete_data: bool, adopt: bool, yes: bool) -> None:
    """Delete everything that `up` created; job tables with jobs and logs with events stay.

    New jobs are refused first. `down` asks before it ends running jobs, and says how many.
    Resources that can't be deleted yet are listed with the reason; run `down` again to finish. It
    works without config.yaml. Without a state it finds the stack by name and tag, says whose it is,
    and deletes it after a question, or with `--adopt`.

    \b
    Examples:
      batchctl down
      batchctl --local down --delete-data --yes
    """
    application = open_to_delete()
    if application.recorded is None:
        found = None if application.target.local else _found(applications.as_deployed(application))
        if found is None:
            say(f"nothing to delete: `{application.store.name}` does not exist")
            show_other_stacks(application)
            return
        application, made = found
        _confirm_takeover(applications.takeover_of(application, made), adopt=adopt)
        with application.locked():
            application.take_over(made)
    with application.locked():
        _down(application, delete_data=delete_data, yes=yes)


def _down(application: BuildableApplication, *, delete_data: bool, yes: bool) -> None:
    made = _planned(application, delete_data=delete_data)
    show_plan(made, purposes=application.purposes, verbose=current_options().verbose)
    _print_waiting(application)
    confirm_ending(made, yes=yes)
    for step in made.changes:
        if step.loses_data:
            confirm(f"{step.address} holds {step.loses_data}: delete it as well?", yes=yes)
    confirm(f"delete these {len(made.changes)} resources?", yes=yes or not made.changes)
    verbose = current_options().verbose
    with stopping(application), progress(made, verbose=verbose) as emit:
        outcome, remaining = application.down(made, emit)
    code = print_failures(outcome, AGAIN)
    _print_remaining(remaining)
    _print_kept(made)
    if not code:
        say(f"deleted {counted(len(made.changes), 'resource')}")
    if current_options().json:
        failed = outcome_as_json(outcome, AGAIN) if code else {}
        left = [dataclasses.asdict(each) for each in remaining]
        print_json({**failed, **as_json(made), "left": left})
    if code:
        sys.exit(code)


def _found(application: BuildableApplication) -> tuple[BuildableApplication, Plan] | None:
    """Return what AWS has of the stack, where no state here knows it; None when that is nothing."""
    made = planned(application)
    return (application, made) if applications.takeover_of(application, made) else None


def _confirm_takeover(found: Takeover | None, *, adopt: bool) -> None:
    """Ask before what no state here knows is deleted; UsageError where nobody can be asked."""
    say(f"FOUND: {found} is deployed, and no state in this folder knows it")
    if adopt:
        return
    if not sys.stdin.isatty():
        raise UsageError(
            f"could not delete {found} without an answer",
            hint="if it is yours, run `batchctl down --adopt`",
        )
    confirm(f"is {found} yours to delete?", yes=False)


def _print_waiting(application: BuildableApplication) -> None:
    """Say how many jobs wait for their first task: with the queue they lose their turn."""
    if waiting := application.waiting_jobs:
        jobs, it = ("1 job waits", "it") if waiting == 1 else (f"{waiting} jobs wait", "them")
        say(f"{jobs} in the queue and will not start: submit {it} again after the next `up`")


def _planned(application: BuildableApplication, *, delete_data: bool) -> Plan:
    with stopping(application):
        made = application.plan_down(delete_data=delete_data, on_wait=ReadProgress().wait)
    end(made.outcome, "nothing was changed")
    return made


def _print_remaining(remaining: Sequence[Remaining]) -> None:
    if remaining:
        say("")
        say(f"not deleted yet ({AGAIN}):")
    for each in remaining:
        say(f"  {each.address}  {each.name}  ({each.why}; {each.cost})")


def _print_kept(made: Plan) -> None:
    for step in made.steps:
        if not step.mutates:
            forgotten = "; it is no longer recorded" if step.forgets else ""
            say(f"kept {step.address} ({step.name}): {step.kept_because}{forgotten}")
