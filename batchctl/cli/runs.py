"""Questions that commands ask before they change what can't be taken back."""

from __future__ import annotations

import sys

import click

from batchctl.cli.output import say
from batchctl.errors import UsageError


def confirm(question: str, *, yes: bool) -> None:
    """Ask, unless `yes`; exit with 1 on a no, UsageError when there is no terminal to ask at."""
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
