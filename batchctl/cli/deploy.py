"""The commands that build and show the application: plan, up, status."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from batchctl.cli.options import current_options, shared_options
from batchctl.cli.output import print_json, say
from batchctl.cli.runs import confirm, confirm_ending, end, stopping
from batchctl.errors import UsageError

if TYPE_CHECKING:
    from batchctl.cli.application import Application
    from batchctl.engine.plan import Plan

FOUND_CHANGES = 3


@click.command()
@click.option("--api-mode", type=click.Choice(["alb", "restapi"]), help="The front door.")
@click.option("--auth", type=click.Choice(["none", "iam"]), help="Who may call it.")
@click.option("--exit-code", is_flag=True, help="Exit with 3 when there are changes.")
@shared_options
def plan(*, api_mode: str | None, auth: str | None, exit_code: bool) -> None:
    """Show what `up` would change, and why; change nothing.

    \b
    Examples:
      batchctl plan
      batchctl --local plan
      batchctl plan --json --exit-code
      batchctl plan --api-mode restapi --auth iam
    """
    from dataclasses import asdict

    from batchctl.cli.front_door import front_door_change, open_to_build, show_front_door
    from batchctl.cli.image import secrets_of, show_secrets
    from batchctl.cli.plan_view import as_json, show_plan

    options = current_options()
    application = open_to_build(options, api_mode, auth)
    made = _planned(application)
    secrets = secrets_of(application)
    if options.json:
        found = asdict(secrets) if secrets else None
        front_door = front_door_change(application, made)
        print_json({"front_door": front_door, "secrets": found, **as_json(made)})
    else:
        show_plan(made, verbose=True)
        show_secrets(secrets)
        show_front_door(application, made)
    if exit_code and made.changes:
        sys.exit(FOUND_CHANGES)


@click.command()
@click.option("--api-mode", type=click.Choice(["alb", "restapi"]), help="The front door.")
@click.option("--auth", type=click.Choice(["none", "iam"]), help="Who may call it.")
@click.option("--rebuild", is_flag=True, help="Build the image anew, on the newest base image.")
@click.option("--yes", is_flag=True, help="Don't ask before changing anything.")
@click.option("--loosen", is_flag=True, help="Agree to what the plan marks as LOOSENED.")
@shared_options
def up(*, api_mode: str | None, auth: str | None, rebuild: bool, yes: bool, loosen: bool) -> None:
    """Build the application, or bring it up to date with config.yaml.

    Shows the plan and asks first. Run it again at any time: it continues where it was stopped,
    and changes nothing when there is nothing to change. What lets more in than today, or logs
    less, is marked LOOSENED and needs its own confirmation, or `--loosen` beside `--yes`.

    \b
    Examples:
      batchctl --local up
      batchctl up --api-mode alb --yes
      batchctl up --api-mode restapi --auth iam
      batchctl up --rebuild
    """
    import dataclasses

    from batchctl.cli.front_door import open_to_build
    from batchctl.engine.lock import locked

    options = current_options()
    application = open_to_build(options, api_mode, auth)
    application = dataclasses.replace(application, rebuild=rebuild)
    application.stack  # noqa: B018 - nothing is begun before what is wrong with it is said
    application.aws.account  # noqa: B018 - without credentials nothing is begun
    with locked(application.state_path):
        _up(application, yes=yes, loosen=loosen)


def _up(application: Application, *, yes: bool, loosen: bool) -> None:
    from batchctl.cli.front_door import (
        confirm_front_door,
        refuse_unasked,
        remember_front_door,
        show_front_door,
    )
    from batchctl.cli.image import secrets_of, show_secrets
    from batchctl.cli.plan_view import as_json, show_plan, summary
    from batchctl.cli.progress import progress
    from batchctl.engine.apply import apply

    options = application.options
    made = _planned(application)
    if made.changes:
        show_plan(made, verbose=options.verbose)
        show_secrets(secrets_of(application))
        show_front_door(application, made)
        refuse_unasked(application, made, yes=yes, loosen=loosen)
        confirm("apply these changes?", yes=yes)
        confirm_front_door(application, made, yes=yes, loosen=loosen)
    _confirm_data_loss(made, yes=yes)
    confirm_ending(made, yes=yes)
    aws, state = application.aws, application.state
    remember_front_door(application)
    with stopping(application), progress(len(made.changes)) as emit:
        result = apply(application.stack, made, state, aws, emit)
    end(result.outcome, "`batchctl up` again continues from here")
    say(summary(made) if not made.changes else f"done: {summary(made, done=True)}")
    if options.json:
        print_json(
            {
                "endpoint": application.endpoint(),
                "execute_role": application.execute_role_arn(),
                **as_json(made),
            }
        )
    else:
        _what_next(application)


@click.command()
@shared_options
def status() -> None:
    """Show every resource and its drift, the endpoint, and how full the queues are.

    \b
    Examples:
      batchctl status
      batchctl --local status --json
    """
    from batchctl.cli.application import open_application
    from batchctl.cli.status_view import show_status, status_of

    options = current_options()
    application = open_application(options)
    found = status_of(application, _planned(application))
    if options.json:
        print_json(found)
    else:
        show_status(found)


def _planned(application: Application) -> Plan:
    """Return the plan; every error of reading is told, and ends the command."""
    from batchctl.cli.looking import Looking
    from batchctl.engine.plan import make_plan

    stack = application.stack
    aws, state = application.aws, application.state
    with stopping(application):
        made = make_plan(stack, state.state, aws, Looking().wait)
    end(made.outcome, "nothing was changed")
    return made


def _confirm_data_loss(made: Plan, *, yes: bool) -> None:
    for step in made.changes:
        if step.loses_data:
            if yes:
                raise UsageError(
                    f"could not go ahead with `--yes`: {step.address} holds {step.loses_data}, "
                    "which would be lost",
                    hint="run `batchctl up` without `--yes` and answer the question",
                )
            confirm(f"{step.address} holds {step.loses_data}: lose it?", yes=False)


def _what_next(application: Application) -> None:
    command = "batchctl --local" if application.options.local else "batchctl"
    say("")
    say(f"endpoint: {application.endpoint()}")
    if role := application.execute_role_arn():
        say(f"role that the account's users may assume to call it: {role}")
    say("try next:")
    say(f"  {command} submit --job-id demo-1 --universe AAPL,MSFT,000002.XSHE --wait")
    say(f"  {command} results demo-1")
    say(f"  {command} down")
