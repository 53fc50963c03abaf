"""`batchctl up`: build the application, after the questions that its plan raises."""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from batchctl import application as applications
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
    from batchctl.application.plan_file import PlanFile
    from batchctl.application.takeover import Takeover
    from batchctl.engine.plan import Plan


@click.command()
@front_door_options
@click.option("--rebuild", is_flag=True, help="Rebuild the image on the newest base image.")
@click.option(
    "--plan",
    "reviewed",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Carry out the plan of this file (`plan --out`), and nothing else.",
)
@click.option("--yes", is_flag=True, help="Apply the plan without asking.")
@click.option("--adopt", is_flag=True, help="Take over a stack that is deployed from elsewhere.")
@click.option("--downgrade", is_flag=True, help="Go on where a newer batchctl built it last.")
@click.option("--loosen", is_flag=True, help="Accept the changes marked LOOSENED.")
@click.option("--lose-data", is_flag=True, help="Accept the changes marked DATA IS LOST.")
@shared_options
def up(  # noqa: PLR0913 - an option each
    *,
    api_mode: str | None,
    auth: str | None,
    rebuild: bool,
    reviewed: Path | None,
    yes: bool,
    adopt: bool,
    downgrade: bool,
    loosen: bool,
    lose_data: bool,
) -> None:
    """Create the application, or update it to match config.yaml.

    Shows the plan and asks for confirmation. You can run it again at any time: it continues where
    it stopped, and changes nothing if nothing needs to change. Changes that open access or reduce
    logging are marked LOOSENED and need their own confirmation, or `--loosen` together with
    `--yes`. So does taking over a stack that somebody else deployed: `--adopt`.

    \b
    Examples:
      batchctl --local up
      batchctl up --api-mode alb --yes
      batchctl up --api-mode restapi --auth iam
      batchctl up --rebuild
      batchctl up --plan reviewed.plan
    """
    planned_before = _read(reviewed)
    if planned_before is not None:
        api_mode, auth = api_mode or planned_before.api_mode, auth or planned_before.api_auth
    application = dataclasses.replace(
        open_to_build(api_mode, auth),
        rebuild=rebuild,
        planned_origin=planned_before.origin if planned_before else None,
    )
    first = application.recorded is None
    answers = Answers(yes or bool(reviewed), adopt, downgrade, loosen, lose_data, reviewed)
    made = bring_up(application, answers)
    if current_options().json:
        role = application.front_door.role
        print_json({"endpoint": application.endpoint, "execute_role": role, **as_json(made)})
    else:
        _print_next_steps(application, first=first)


@dataclass(frozen=True)
class Answers:
    """What the command line agrees to before it is asked; `reviewed`: to that plan alone."""

    yes: bool = False
    adopt: bool = False
    downgrade: bool = False
    loosen: bool = False
    lose_data: bool = False
    reviewed: Path | None = None


def bring_up(application: BuildableApplication, answers: Answers) -> Plan:
    """Bring the application up after the questions that the plan raises; return the plan.

    Failures are printed, and end the command.
    """
    application.stack  # noqa: B018 - nothing is begun before what is wrong with it is said
    application.require_credentials()
    with application.locked():
        return _up(application, answers)


def _up(application: BuildableApplication, answers: Answers) -> Plan:
    options, yes, loosen = current_options(), answers.yes, answers.loosen
    show_other_stacks(application)
    if not answers.downgrade:
        applications.require_no_downgrade(application)
    made = planned(application)
    applications.require_allowed(application, made)
    if answers.reviewed is not None and (before := _read(answers.reviewed)):
        before.require_same(applications.plan_file_of(application, made), answers.reviewed)
    show_folder(application.folder_notice)
    _confirm_takeover(applications.takeover_of(application, made), answers)
    if made.changes:
        change = application.front_door_change(made)
        show_plan(made, purposes=application.purposes, verbose=options.verbose)
        show_layers(application.layers_to_push(made))
        show_secrets(application.image_secrets)
        show_front_door(change)
        _refuse_unanswered(change, yes=yes, loosen=loosen)
        confirm("apply these changes?", yes=yes)
        _confirm_front_door(change, yes=yes, loosen=loosen)
    if not answers.lose_data:
        _confirm_data_loss(made, yes=yes)
    confirm_ending(made, yes=yes)
    with stopping(application), progress(made, verbose=options.verbose) as emit:
        outcome = application.up(made, emit)
    end(outcome, "`batchctl up` again continues from here")
    say(summary(made) if not made.changes else f"done: {summary(made, done=True)}")
    return made


def _read(reviewed: Path | None) -> PlanFile | None:
    """Return the plan of a file; None without one. UsageError when it is none."""
    if reviewed is None:
        return None
    from batchctl.application.plan_file import PlanFile  # noqa: PLC0415 - loads the engine

    return PlanFile.read(reviewed)


def _confirm_takeover(found: Takeover | None, answers: Answers) -> None:
    """Ask before a stack is taken over; UsageError where nobody can be asked."""
    if found is None:
        return
    say(f"FOUND: {found} is deployed here, and no state in this folder knows it")
    if answers.adopt:
        return
    if answers.yes or not sys.stdin.isatty():
        raise UsageError(
            f"could not take over {found} without an answer",
            hint="if it is yours, run `batchctl up --adopt`; if not, give yours a `name` of its "
            "own in config.yaml",
        )
    confirm(f"take over {found}?", yes=False)


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
                    hint="run `batchctl up` and answer the question, or add `--lose-data`; to keep "
                    "it, say so in config.yaml, or name it under `leave`",
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
        if application.target.local:
            say("  `batchctl down`")
