"""How errors reach the user: one message, a hint, the right exit code, never a traceback."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from batchctl.aws.secrets import SECRETS
from batchctl.cli.debug import show_traceback
from batchctl.cli.lazy import LazyGroup
from batchctl.cli.memory import collect_seldom
from batchctl.cli.options import Options
from batchctl.cli.output import continued, say, say_lines
from batchctl.errors import BatchctlError

INTERRUPTED = 130


class Guarded(LazyGroup):
    """A group whose commands end in a clear message, whatever is raised."""

    def main(self, args: Sequence[str] | None = None, *more: Any, **extra: Any) -> Any:
        """Run a command line, and without `args` this process's own, which then ends."""
        if args is None:
            collect_seldom()
        return super().main(args, *more, **extra)

    def make_context(self, *named: Any, **extra: Any) -> click.Context:
        """Read the options before the command; what they got wrong is shown as all else."""
        try:
            return super().make_context(*named, **extra)
        except click.ClickException as error:
            raise _visible(error) from error

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; turn an error into its message and exit code."""
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            raise _visible(error) from error
        except click.exceptions.Exit:
            raise
        except (KeyboardInterrupt, click.Abort):
            say("interrupted")
            sys.exit(INTERRUPTED)
        except BrokenPipeError:
            raise
        except Exception as error:  # noqa: BLE001 - the outermost place: all that is left is to say it
            if _debugging(ctx):
                show_traceback()
            print_error(error)
            sys.exit(exit_code_of(error))


class _WrongUsage(click.UsageError):
    """What Click says of a command line, which it quotes."""


def _visible(error: click.ClickException) -> click.ClickException:
    """Return an error of Click's with its message as people may see it."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError | _WrongUsage):
        return error
    message = "\n".join(continued(error.format_message()))
    if isinstance(error, click.UsageError):
        return _WrongUsage(message, error.ctx)
    return click.ClickException(message)


def print_error(error: BaseException, subject: str | None = None) -> None:
    """Print an error and its hint; `subject` is the resource that it is about."""
    message, hint = explained(error)
    say_lines(f"error: {subject}: {message}" if subject else f"error: {message}")
    if hint:
        say("")
        say(f"hint: {hint}")


def exit_code_of(error: BaseException) -> int:
    """Return the exit code: 2 for what the user got wrong, 130 for an interrupt, else 1."""
    return error.exit_code if isinstance(error, BatchctlError) else 1


def explained(error: BaseException) -> tuple[str, str | None]:
    """Return what an error says, without the secrets in it, and its hint."""
    if isinstance(error, BatchctlError):
        return SECRETS.masked(error.message), error.hint
    # Loads botocore, which no help needs; where AWS's errors come from, it is loaded already.
    from batchctl.aws.errors import explain  # noqa: PLC0415

    message, hint = explain(error)
    return SECRETS.masked(message), hint


def _debugging(ctx: click.Context) -> bool:
    deepest = click.get_current_context(silent=True) or ctx
    return (
        any(isinstance(each.obj, Options) and each.obj.debug for each in (deepest, ctx))
        or "--debug" in sys.argv
    )
