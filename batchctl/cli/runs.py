"""What the commands that change AWS share: Ctrl-C, questions, and the end of a run."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from batchctl.cli import interrupts
from batchctl.cli.display.read_progress import ReadProgress
from batchctl.cli.errors import as_json, failures_as_json
from batchctl.cli.failures import INTERRUPTED, print_error
from batchctl.cli.options import current_options
from batchctl.cli.output import ask, print_json, say
from batchctl.cli.spelling import spelled
from batchctl.errors import UsageError

if TYPE_CHECKING:
    from batchctl.application import BuildableApplication
    from batchctl.engine.plan import Plan
    from batchctl.engine.walk import WalkOutcome


def planned(application: BuildableApplication, *, shows_rest: bool = False) -> Plan:
    """Return the plan of `up`; every error of reading is printed, and ends the command.

    With `shows_rest` what may not be read is left out instead.
    """
    application.stack  # noqa: B018 - what is wrong with it is said before a local cloud is started
    with stopping(application):
        made = application.plan(ReadProgress().wait, shows_rest=shows_rest)
    end(made.outcome, "nothing was changed")
    return made


def stopping(application: BuildableApplication) -> AbstractContextManager[None]:
    """Let the first Ctrl-C end the run in the block in good order, the second at once."""
    return interrupts.stopping(application.aws.clock.stop)


def end(outcome: WalkOutcome, what_next: str) -> None:
    """Print every failure and exit, or return when there was none."""
    code = print_failures(outcome, what_next)
    if code:
        if current_options().json:
            print_json(outcome_as_json(outcome, what_next))
        sys.exit(code)


def print_failures(outcome: WalkOutcome, what_next: str) -> int:
    """Print every failure, a lost login as the one that it is; return the exit code."""
    for address, error in outcome.failed.items():
        print_error(error, address)
    if outcome.ended_by:
        print_error(outcome.ended_by)
    if outcome.failed or outcome.ended_by:
        say("")
    if summary := _summary(outcome, what_next):
        say(summary)
    if outcome.ended_by:
        return outcome.ended_by.exit_code
    return 1 if outcome.failed else INTERRUPTED if outcome.interrupted else 0


def outcome_as_json(outcome: WalkOutcome, what_next: str) -> dict[str, Any]:
    """Return how a run failed: in short as an error, and each failure with its resource."""
    if outcome.ended_by:
        error = as_json(outcome.ended_by)
    else:
        code = "run_failed" if outcome.failed else "interrupted"
        message = _summary(outcome, "").removesuffix("; ")
        error = {"code": code, "message": message, "hint": spelled(what_next)}
    return {
        "error": error,
        "failures": failures_as_json(outcome.failed),
        "skipped": sorted(outcome.skipped),
    }


def _summary(outcome: WalkOutcome, what_next: str) -> str:
    """Say in a line what became of the run; nothing where it went well."""
    skipped = f"{len(outcome.skipped)} skipped; {what_next}"
    if outcome.ended_by:
        return f"what was done is recorded, {skipped}"
    if outcome.failed:
        return f"{len(outcome.failed)} failed, {skipped}"
    return f"interrupted; {what_next}" if outcome.interrupted else ""


def confirm(question: str, *, yes: bool) -> None:
    """Ask, unless `yes`; a no ends the command. UsageError when there is nobody to ask."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(
            "could not ask for confirmation: the input is not a terminal",
            hint="pass `--yes` to continue without a question",
        )
    if not ask(question):
        say("nothing was changed")
        sys.exit(1)


def confirm_ending(made: Plan, *, yes: bool) -> None:
    """Ask, unless `yes`, before each deletion that ends what runs."""
    for step in made.changes:
        if step.ends:
            confirm(f"{step.ends} in {step.address} would be ended: continue?", yes=yes)
