"""`batchctl up`: build the application, after the questions that its plan raises."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import click

from batchctl.cli.display.folder import show_folder
from batchctl.cli.display.front_door import show_front_door
from batchctl.cli.display.layers import show_layers
from batchctl.cli.display.other_stacks import show_other_stacks
from batchctl.cli.display.plan import as_json, show_plan, summary
from batchctl.cli.display.progress import progress
from batchctl.cli.display.secrets import show_secrets
from batchctl.cli.opening import open_to_build
from batchctl.cli.options import current_options, front_door_options, shared_options
from batchctl.cli.output import print_json, say
from batchctl.cli.runs import confirm, confirm_ending, end, planned, stopping
from batchctl.errors import UsageError

if TYPE_CHECKING:
    from batchctl.application import BuildableApplication, FrontDoorChange
    from batchctl.engine.plan import Plan


@click.command()
@front_door_options
@click.option("--rebuild", is_flag=True, help="Rebuild the image on the newest base image.")
@click.option("--yes", is_flag=True, help="Apply the plan without asking.")
@click.option("--loosen", is_flag=True, help="Accept the changes marked LOOSENED.")
@shared_options
def up(*, api_mode: str | None, auth: str | None, rebuild: bool, yes: bool, loosen: bool) -> None:
    """Create the application, or update it to match config.yaml.

    Shows the plan and asks for confirmation. You can run it again at any time: it continues where
    it stopped, and changes nothing if nothing needs to change. Changes that open access or reduce
    logging are marked LOOSENED and need their own confirmation, or `--loosen` together with
    `--yes`.

    \b
    Examples:
      batchctl --local up
      batchctl up --api-mode alb --yes
      batchctl up --api-mode restapi --auth iam
      batchctl up --rebuild
    """
    application = dataclasses.replace(open_to_build(api_mode, auth), rebuild=rebuild)
    first = application.recorded is None
    made = bring_up(application, yes=yes, loosen=loosen)
    if current_options().json:
        role = application.front_door.role
        print_json({"endpoint": application.endpoint, "execute_role": role, **as_json(made)})
    else:
        _print_next_steps(application, first=first)


def bring_up(application: BuildableApplication, *, yes: bool, loosen: bool) -> Plan:
    """Bring the application up after the questions that the plan raises; return the plan.

    Failures are printed, and end the command.
    """
    application.stack  # noqa: B018 - nothing is begun before what is wrong with it is said
    application.require_credentials()
    with application.locked():
        return _up(application, yes=yes, loosen=loosen)


def _up(application: BuildableApplication, *, yes: bool, loosen: bool) -> Plan:
    options = current_options()
    show_other_stacks(application)
    made = planned(application)
    show_folder(application.folder_notice)
    if made.changes:
        change = application.front_door_change(made)
        show_plan(made, purposes=application.purposes, verbose=options.verbose)
        show_layers(application.layers_to_push(made))
        show_secrets(application.image_secrets)
        show_front_door(change)
        _refuse_unanswered(change, yes=yes, loosen=loosen)
        confirm("apply these changes?", yes=yes)
        _confirm_front_door(change, yes=yes, loosen=loosen)
    _confirm_data_loss(made, yes=yes)
    confirm_ending(made, yes=yes)
    with stopping(application), progress(made, verbose=options.verbose) as emit:
        outcome = application.up(made, emit)
    end(outcome, "`batchctl up` again continues from here")
    say(summary(made) if not made.changes else f"done: {summary(made, done=True)}")
    return made


def _refuse_unanswered(change: FrontDoorChange, *, yes: bool, loosen: bool) -> None:
    """Raise UsageError when `--yes` would be the answer to what it is no answer to."""
    found = change.needing_an_answer
    if found and yes and not loosen and not change.is_local:
        raise UsageError(
            f"could not continue with `--yes`: this opens access or reduces logging: "
            f"{'; '.join(found)}",
            hint="to keep the current settings, put them into config.yaml; to continue, run "
            "`batchctl up` and answer the question, or `batchctl up --yes --loosen`",
        )


def _confirm_front_door(change: FrontDoorChange, *, yes: bool, loosen: bool) -> None:
    """Ask before anything is loosened, and before an open door is opened for the first time."""
    if change.is_local:
        return
    if change.drops_signatures:
        confirm("allow requests without a signature?", yes=yes or loosen)
    if change.loosens_more:
        confirm("apply the changes marked LOOSENED?", yes=yes or loosen)
    if change.opens_to_everyone:
        confirm("allow anyone on the internet to call the API?", yes=yes)


def _confirm_data_loss(made: Plan, *, yes: bool) -> None:
    for step in made.changes:
        if step.loses_data:
            if yes:
                raise UsageError(
                    f"could not continue with `--yes`: {step.address} holds {step.loses_data}, "
                    "which would be lost",
                    hint="run `batchctl up` without `--yes` and answer the question",
                )
            confirm(f"{step.address} holds {step.loses_data}: lose it?", yes=False)


def _print_next_steps(application: BuildableApplication, *, first: bool) -> None:
    """Print where the API is, and after the `first` time what can be done with it."""
    say("")
    say(f"endpoint: {application.endpoint}")
    if role := application.front_door.role:
        say(f"role that users of the account can assume to call it: {role}")
    if first:
        say("try next:")
        say("  `batchctl submit --universe AAPL,MSFT,000002.XSHE --wait`")
        say("  `batchctl results`")
        say("  `batchctl down`")
