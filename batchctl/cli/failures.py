"""How errors reach the user: one message, a hint, the right exit code, never a traceback."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from batchctl.cli.debug import show_traceback
from batchctl.cli.errors import as_json, explained
from batchctl.cli.lazy import LazyGroup
from batchctl.cli.memory import collect_seldom
from batchctl.cli.output import begin_output, continued, print_json_error, say, say_lines
from batchctl.errors import BatchctlError, UsageError

INTERRUPTED = 130
_WORDS = "batchctl.words"


class Guarded(LazyGroup):
    """A group whose commands end in a clear message, whatever is raised."""

    def main(self, args: Sequence[str] | None = None, *more: Any, **extra: Any) -> Any:
        """Run a command line, and without `args` this process's own, which then ends."""
        if args is None:
            collect_seldom()
        begin_output()
        return super().main(args, *more, **extra)

    def make_context(
        self, info_name: str | None, args: list[str], *more: Any, **extra: Any
    ) -> click.Context:
        """Read the options before the command; what they got wrong is shown as all else."""
        words = tuple(args)
        try:
            context = super().make_context(info_name, args, *more, **extra)
        except click.ClickException as error:
            if "--json" in words:
                _print_as_json(error)
            raise _visible(error) from error
        context.meta[_WORDS] = words
        return context

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; turn an error into its message and exit code."""
        try:
            _require_folder()
            return super().invoke(ctx)
        except click.ClickException as error:
            if _asked("json", ctx):
                _print_as_json(error)
            raise _visible(error) from error
        except click.exceptions.Exit:
            raise
        except (KeyboardInterrupt, click.Abort) as error:
            say("interrupted")
            if _asked("json", ctx):
                _print_as_json(error)
            sys.exit(INTERRUPTED)
        except BrokenPipeError:
            raise
        except Exception as error:  # noqa: BLE001 - the outermost place: all that is left is to say it
            if _asked("debug", ctx):
                show_traceback()
            print_error(error)
            if _asked("json", ctx):
                _print_as_json(error)
            sys.exit(exit_code_of(error))


def _require_folder() -> None:
    """Raise UsageError when the working directory was removed: no path means anything then."""
    try:
        Path.cwd()
    except FileNotFoundError:
        raise UsageError(
            "could not work in this folder: it was removed",
            hint="go to a folder that exists (`cd`), then run the command again",
        ) from None


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


def _print_as_json(error: BaseException) -> None:
    """Print an error for machines, unless a document has begun."""
    if not isinstance(error, click.exceptions.NoArgsIsHelpError):
        print_json_error({"error": as_json(error)})


def _asked(option: str, ctx: click.Context) -> bool:
    """Whether a shared option was given, also where the options could not be read."""
    return f"--{option}" in ctx.meta.get(_WORDS, ())
