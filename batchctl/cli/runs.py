"""What the commands that change AWS share: Ctrl-C, questions, and the end of a run."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from batchctl.cli import interrupts
from batchctl.cli.display.read_progress import ReadProgress
from batchctl.cli.failures import INTERRUPTED, print_error
from batchctl.cli.output import ask, say
from batchctl.errors import UsageError

if TYPE_CHECKING:
    from batchctl.application import BuildableApplication
    from batchctl.engine.plan import Plan
    from batchctl.engine.walk import WalkOutcome


def planned(application: BuildableApplication) -> Plan:
    """Return the plan of `up`; every error of reading is printed, and ends the command."""
    application.stack  # noqa: B018 - what is wrong with it is said before a local cloud is started
    with stopping(application):
        made = application.plan(ReadProgress().wait)
    end(made.outcome, "nothing was changed")
    return made


def stopping(application: BuildableApplication) -> AbstractContextManager[None]:
    """Let the first Ctrl-C end the run in the block in good order, the second at once."""
    return interrupts.stopping(application.aws.clock.stop)


def end(outcome: WalkOutcome, what_next: str) -> None:
    """Print every failure and exit, or return when there was none."""
    code = print_failures(outcome, what_next)
    if code:
        sys.exit(code)


def print_failures(outcome: WalkOutcome, what_next: str) -> int:
    """Print every failure, a lost login as the one that it is; return the exit code."""
    for address, error in outcome.failed.items():
        print_error(error, address)
    skipped = f"{len(outcome.skipped)} skipped; {what_next}"
    if outcome.ended_by:
        print_error(outcome.ended_by)
        say("")
        say(f"what was done is recorded, {skipped}")
        return outcome.ended_by.exit_code
    if outcome.failed:
        say("")
        say(f"{len(outcome.failed)} failed, {skipped}")
        return 1
    if outcome.interrupted:
        say(f"interrupted; {what_next}")
        return INTERRUPTED
    return 0


def confirm(question: str, *, yes: bool) -> None:
    """Ask, unless `yes`; a no ends the command. UsageError when there is nobody to ask."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(
            "could not ask before changing anything: the input is no terminal",
            hint="pass `--yes` to go ahead without a question",
        )
    if not ask(question):
        say("nothing was changed")
        sys.exit(1)


def confirm_ending(made: Plan, *, yes: bool) -> None:
    """Ask, unless `yes`, before each deletion that ends what runs."""
    for step in made.changes:
        if step.ends:
            confirm(f"{step.ends} in {step.address} would be ended: go ahead?", yes=yes)
