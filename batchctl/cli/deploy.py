"""The commands that build, show and remove the application: plan, up, down, status."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from batchctl.cli.failures import INTERRUPTED, tell
from batchctl.cli.options import Options, current_options, shared_options
from batchctl.cli.output import print_json, say
from batchctl.errors import UsageError

if TYPE_CHECKING:
    from batchctl.cli.application import Application
    from batchctl.engine.plan import Plan
    from batchctl.engine.walk import Outcome

FOUND_CHANGES = 3


@click.command()
@click.option("--exit-code", is_flag=True, help="Exit with 3 when there are changes.")
@shared_options
def plan(*, exit_code: bool) -> None:
    """Show what `up` would change, and why; change nothing.

    \b
    Examples:
      batchctl plan
      batchctl --local plan
      batchctl plan --json --exit-code
    """
    from batchctl.cli.plan_view import as_json, show_plan

    options = current_options()
    application = _remembering(_open(options), None, None)
    made = _planned(application)
    if options.json:
        print_json(as_json(made))
    else:
        show_plan(made, verbose=True)
    if exit_code and made.changes:
        sys.exit(FOUND_CHANGES)


@click.command()
@click.option("--api-mode", type=click.Choice(["alb", "restapi"]), help="The front door.")
@click.option("--auth", type=click.Choice(["none", "iam"]), help="Who may call it.")
@click.option("--yes", is_flag=True, help="Don't ask before changing anything.")
@shared_options
def up(*, api_mode: str | None, auth: str | None, yes: bool) -> None:
    """Build the application, or bring it up to date with config.yaml.

    Shows the plan and asks first. Run it again at any time: it continues where it was stopped,
    and changes nothing when there is nothing to change.

    \b
    Examples:
      batchctl --local up
      batchctl up --api-mode alb --yes
    """
    from batchctl.engine.lock import locked

    options = current_options()
    application = _remembering(_open(options), api_mode, auth)
    application.stack()
    application.aws.account  # noqa: B018 - without credentials nothing is begun
    with locked(application.state_path):
        _up(application, yes=yes)


def _up(application: Application, *, yes: bool) -> None:
    from batchctl.cli.plan_view import as_json, show_plan, summary
    from batchctl.cli.progress import progress
    from batchctl.engine.apply import apply

    options = application.options
    made = _planned(application)
    if made.changes:
        show_plan(made, verbose=options.verbose)
        _confirm("apply these changes?", yes=yes)
    _confirm_data_loss(made, yes=yes)
    aws, state = application.aws, application.state
    state.remember_api(application.config.api.mode, application.config.api.auth)
    with _stopping(application), progress(len(made.changes)) as emit:
        result = apply(application.stack(), made, state, aws, emit)
    _end(result.outcome, "`batchctl up` again continues from here")
    say(summary(made) if not made.changes else f"done: {summary(made, done=True)}")
    if options.json:
        print_json({"endpoint": application.endpoint(), **as_json(made)})
    else:
        _what_next(application)


@click.command()
@click.option("--delete-data", is_flag=True, help="Delete the job table even with jobs in it.")
@click.option("--yes", is_flag=True, help="Don't ask before deleting.")
@shared_options
def down(*, delete_data: bool, yes: bool) -> None:
    """Delete everything that `up` made; a job table that holds jobs is kept.

    Works from the state alone: config.yaml may have changed or be gone.

    \b
    Examples:
      batchctl down
      batchctl --local down --delete-data --yes
    """
    from batchctl.cli.application import open_recorded
    from batchctl.engine.lock import locked

    application = open_recorded(current_options())
    if not application.state_path.exists():
        say(f"nothing to delete: `{application.state_path}` does not exist")
        return
    with locked(application.state_path):
        _down(application, delete_data=delete_data, yes=yes)


def _down(application: Application, *, delete_data: bool, yes: bool) -> None:
    from batchctl import stack  # noqa: F401 - registers the resource kinds
    from batchctl.cli.plan_view import as_json, show_plan
    from batchctl.cli.progress import progress
    from batchctl.engine.destroy import destroy, plan_destroy

    aws, state = application.aws, application.state
    made = plan_destroy(state, aws, delete_data=delete_data)
    show_plan(made)
    _confirm(f"delete these {len(made.changes)} resources?", yes=yes or not made.changes)
    with _stopping(application), progress(len(made.changes)) as emit:
        outcome = destroy(made, state, aws, emit)
    _end(outcome, "`batchctl down` again finishes it")
    for step in made.steps:
        if not step.mutates:
            say(f"kept {step.address} ({step.name}): {step.kept_because}")
    say(f"deleted {len(made.changes)} resources")
    if application.options.json:
        print_json(as_json(made))


@click.command()
@shared_options
def status() -> None:
    """Show every resource and its drift, the endpoint, and how full the queues are.

    \b
    Examples:
      batchctl status
      batchctl --local status --json
    """
    from batchctl.cli.status_view import show_status, status_of

    options = current_options()
    application = _remembering(_open(options), None, None)
    found = status_of(application, _planned(application))
    if options.json:
        print_json(found)
    else:
        show_status(found)


def _open(options: Options) -> Application:
    from batchctl.cli.application import open_application

    return open_application(options)


def _remembering(application: Application, api_mode: str | None, auth: str | None) -> Application:
    """Return the application with the flags of `up`; refuse to change the front door silently."""
    import dataclasses

    from batchctl.engine.state import read_state

    config = application.config.with_flags(api_mode, auth)
    state = read_state(application.state_path)
    if state and state.api_mode and state.resources:
        wanted = (
            ("api.mode", "--api-mode", api_mode, config.api.mode, state.api_mode),
            ("api.auth", "--auth", auth, config.api.auth, state.api_auth),
        )
        for key, flag, given, now, deployed in wanted:
            if given is None and now != deployed:
                raise UsageError(
                    f"could not choose the front door: `{key}` in config.yaml is `{now}`, "
                    f"deployed is `{deployed}`",
                    hint=f"say which: `batchctl up {flag} {now}` or `{flag} {deployed}`",
                )
    return dataclasses.replace(application, config=config)


def _planned(application: Application) -> Plan:
    """Return the plan; every error of reading is told, and ends the command."""
    from batchctl.engine.plan import make_plan

    stack = application.stack()
    aws, state = application.aws, application.state
    with _stopping(application):
        made = make_plan(stack, state.state, aws)
    _end(made.outcome, "nothing was changed")
    return made


def _stopping(application: Application) -> Any:
    from batchctl.cli.interrupts import stopping

    return stopping(application.aws.clock.stop)


def _end(outcome: Outcome, what_next: str) -> None:
    """Tell every failure and exit, or return when there was none."""
    for address, error in outcome.failed.items():
        tell(error, address)
    if outcome.failed:
        say(f"\n{len(outcome.failed)} failed, {len(outcome.skipped)} skipped; {what_next}")
        sys.exit(1)
    if outcome.interrupted:
        say(f"interrupted; {what_next}")
        sys.exit(INTERRUPTED)


def _confirm(question: str, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(
            "could not ask before changing anything: the input is no terminal",
            hint="pass `--yes` to go ahead without a question",
        )
    if not click.confirm(question, err=True):
        say("nothing was changed")
        sys.exit(1)


def _confirm_data_loss(made: Plan, *, yes: bool) -> None:
    for step in made.changes:
        if step.loses_data:
            if yes:
                raise UsageError(
                    f"could not go ahead with `--yes`: {step.address} holds {step.loses_data}, "
                    "which would be lost",
                    hint="run `batchctl up` without `--yes` and answer the question",
                )
            _confirm(f"{step.address} holds {step.loses_data}: lose it?", yes=False)


def _what_next(application: Application) -> None:
    command = "batchctl --local" if application.options.local else "batchctl"
    say(f"\nendpoint: {application.endpoint()}")
    say("try next:")
    say(f"  {command} submit --job-id demo-1 --universe AAPL,MSFT,000002.XSHE --wait")
    say(f"  {command} results demo-1")
    say(f"  {command} down")
