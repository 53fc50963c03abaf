"""How errors reach the user: one message, a hint, the right exit code, never a traceback."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from typing import Any

import click

from batchctl.cli.memory import collect_seldom
from batchctl.cli.options import Options
from batchctl.cli.output import say
from batchctl.errors import BatchctlError

INTERRUPTED = 130


class Guarded(click.Group):
    """A group whose commands end in a clear message, whatever is raised."""

    def main(self, args: Sequence[str] | None = None, *more: Any, **extra: Any) -> Any:
        """Run a command line, and without `args` this process's own, which then ends."""
        if args is None:
            collect_seldom()
        return super().main(args, *more, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; turn an error into its message and exit code."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit):
            raise
        except (KeyboardInterrupt, click.Abort):
            say("interrupted")
            sys.exit(INTERRUPTED)
        except BrokenPipeError:
            raise
        except Exception as error:  # noqa: BLE001 - the outermost place: all that is left is to say it
            if _debugging(ctx):
                traceback.print_exc()
            tell(error)
            sys.exit(exit_code_of(error))


def tell(error: BaseException, subject: str | None = None) -> None:
    """Print an error and its hint; `subject` is the resource that it is about."""
    message, hint = _explained(error)
    say(f"error: {subject}: {message}" if subject else f"error: {message}")
    if hint:
        say(f"\nhint: {hint}")


def exit_code_of(error: BaseException) -> int:
    """Return the exit code: 2 for what the user got wrong, 130 for an interrupt, else 1."""
    return error.exit_code if isinstance(error, BatchctlError) else 1


def _explained(error: BaseException) -> tuple[str, str | None]:
    if isinstance(error, BatchctlError):
        return error.message, error.hint
    # AWS's errors have been raised by boto3 then, so it is loaded already.
    from batchctl.aws.errors import explain

    return explain(error)


def _debugging(ctx: click.Context) -> bool:
    deepest = click.get_current_context(silent=True) or ctx
    return (
        any(isinstance(each.obj, Options) and each.obj.debug for each in (deepest, ctx))
        or "--debug" in sys.argv
    )
