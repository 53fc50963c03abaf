"""The commands for messages that failed for good: dead-letters show, redrive, drop."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click

from batchctl.cli.display.dead_letters import as_json, show_dead_letters
from batchctl.cli.lazy import LazyGroup
from batchctl.cli.opening import open_recorded
from batchctl.cli.options import current_options, shared_options
from batchctl.cli.output import counted, print_json, say
from batchctl.cli.runs import confirm

if TYPE_CHECKING:
    from batchctl.application.dead_letters import DeadLetterQueue

_of = click.option(
    "--queue",
    "source",
    type=click.Choice(["jobs", "events", "all"]),
    default="all",
    show_default=True,
    help="Jobs that could not be submitted, or events that JobTracker did not receive.",
)


@click.group(name="dead-letters", cls=LazyGroup, invoke_without_command=True)
@click.pass_context
@shared_options
def dead_letters(context: click.Context) -> None:
    """Show, retry or delete messages that could not be processed.

    \b
    Examples:
      batchctl dead-letters
      batchctl dead-letters redrive
      batchctl dead-letters drop --queue events
    """
    if context.invoked_subcommand is None:
        context.invoke(show)


@dead_letters.command()
@_of
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=20,
    show_default=True,
    help="Maximum number of messages per queue.",
)
@shared_options
def show(*, source: str, limit: int) -> None:
    """Show the messages. They stay in the queue.

    \b
    Examples:
      batchctl dead-letters show
      batchctl dead-letters show --queue jobs --limit 100 --json
    """
    queues = _open(source)
    found = [each for queue in queues for each in queue.peek(limit)]
    if current_options().json:
        print_json({"dead_letters": list(map(as_json, found))})
        return
    if not found:
        say("no dead letters")
        return
    show_dead_letters(found)
    say("")
    say("retry them:  `batchctl dead-letters redrive`")
    say("delete them: `batchctl dead-letters drop`")


@dead_letters.command()
@_of
@shared_options
def redrive(*, source: str) -> None:
    """Retry the messages, after you have fixed the cause.

    You can repeat this safely: a job is only submitted once.

    \b
    Examples:
      batchctl dead-letters redrive
      batchctl --local dead-letters redrive --queue events
    """
    queues = _open(source)
    _each(queues, lambda queue: queue.redrive(), "retried")


@dead_letters.command()
@_of
@click.option("--yes", is_flag=True, help="Delete without asking.")
@shared_options
def drop(*, source: str, yes: bool) -> None:
    """Delete the messages. Asks for confirmation.

    The job of a deleted message stays QUEUED; `cancel` ends it.

    \b
    Examples:
      batchctl dead-letters drop --queue jobs
      batchctl dead-letters drop --yes
    """
    queues = _open(source)
    names = " and ".join(queue.source for queue in queues)
    confirm(f"delete all dead letters of {names}?", yes=yes)
    _each(queues, lambda queue: queue.drop(), "deleted")


def _open(source: str) -> list[DeadLetterQueue]:
    queues = open_recorded().dead_letters()
    return [queue for queue in queues if source in {"all", queue.source}]


def _each(
    queues: Iterable[DeadLetterQueue], act: Callable[[DeadLetterQueue], int], done: str
) -> None:
    """Do something with each queue, and print with how many messages."""
    counts = {}
    for queue in queues:
        counts[queue.source] = act(queue)
        say(f"{queue.source}: {counted(counts[queue.source], 'message')} {done}")
    if current_options().json:
        print_json({"messages": counts})
