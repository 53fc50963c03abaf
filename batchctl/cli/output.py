"""Where output goes, and the one way to it: data on stdout, all else on stderr.

Nobody else in this room prints (a test of the house sees to it): here every text passes `visible`,
which leaves nothing that a terminal would obey, whoever wrote it, and where a build service reads
along, `build_commands`, which leaves nothing that it would. rich's markup is off: what is in
brackets is data. Colour never carries sense.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from batchctl.cli import visible as escapes
from batchctl.cli.build_commands import (
    reads_commands,
    without_commands,
    without_commands_in_json,
)
from batchctl.cli.spelling import spelled

if TYPE_CHECKING:
    from rich.console import ConsoleOptions, RenderableType
    from rich.live import Live

UNWRAPPED = 10_000
"""The width of tables that go into a file or a pipe: lines are not broken there."""
CONTINUED = "  | "
"""Before each further line of a text of many lines: none of ours begins so."""


class _VisibleConsole(Console):
    """A console that shows text, whatever it is asked to draw, and no markup."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, **settings)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yield what rich draws; what moves the cursor is rich's own."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control else Segment(visible(text, keep="\n"), style)


def visible(text: str, *, keep: str = "") -> str:
    """Return a text as it may be shown, as `visible.visible` does; nor does a build obey it."""
    shown = escapes.visible(text, keep=keep)
    return without_commands(shown) if reads_commands(os.environ) else shown


def _visible_json(document: str) -> str:
    shown = escapes.visible_json(document)
    return without_commands_in_json(shown) if reads_commands(os.environ) else shown


def people() -> Console:
    """Return the console for people: stderr, which honours NO_COLOR and plain terminals."""
    return _VisibleConsole(stderr=True, soft_wrap=not sys.stderr.isatty())


def data() -> Console:
    """Return the console for tables that were asked for: stdout."""
    return _VisibleConsole(width=None if sys.stdout.isatty() else UNWRAPPED)


def say(line: str) -> None:
    """Print one line for people on stderr, its commands as this user calls them."""
    click.echo(visible(spelled(line)), err=True)


def say_lines(text: str) -> None:
    """Print a text for people on stderr; no line of it but the first can pass for one of ours."""
    for line in continued(spelled(text)):
        click.echo(line, err=True)


def continued(text: str, mark: str = CONTINUED) -> list[str]:
    """Return the lines of a text as they may be shown, the mark before each but the first."""
    first, *more = (visible(line, keep="\t") for line in text.split("\n"))
    return [first, *(f"{mark}{line}" for line in more)]


def say_log(line: str) -> None:
    """Print one line of a log on stdout, in its colours where a terminal shows them."""
    colours = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    shown = escapes.visible_log(line, colours=colours)
    click.echo(without_commands(shown) if reads_commands(os.environ) else shown)


def show(line: str = "") -> None:
    """Print one line of what was asked for on stdout, its commands as this user calls them."""
    click.echo(visible(spelled(line)))


def show_script(text: str) -> None:
    """Print a script of ours on stdout, as it is."""
    click.echo(text)


def show_lines(text: str, mark: str = CONTINUED) -> None:
    """Print a text of many lines on stdout, the mark before each but the first."""
    for line in continued(text, mark):
        click.echo(line)


def show_rows(rows: Iterable[str]) -> None:
    """Print rows of a table on stdout: a line each, of which there may be a million."""
    sys.stdout.writelines(f"{visible(row)}\n" for row in rows)


def ask(question: str) -> bool:
    """Ask on stderr; Enter alone is a no."""
    return click.confirm(visible(spelled(question)), err=True)


def ask_for(what: str, choices: Sequence[str] = ()) -> str:
    """Ask for a text on stderr, or for one of `choices`, until there is one."""
    kind = click.Choice(choices) if choices else None
    return str(click.prompt(visible(what), type=kind, err=True))


def print_json(value: Any) -> None:
    """Print one JSON document on stdout."""
    click.echo(_visible_json(json.dumps(value, indent=2, ensure_ascii=False)))


def print_json_line(value: Any) -> None:
    """Print one JSON document in one line on stdout."""
    click.echo(_visible_json(json.dumps(value, ensure_ascii=False)))


def text(value: str, style: str = "") -> Text:
    """Return a text to draw, in one line."""
    return Text(visible(value), style=style)


def counted(number: int, what: str) -> str:
    """Write a count with its noun: `1 task`, `2,000 tasks`; what a stranger sent as it is."""
    shown = f"{number:,}" if type(number) is int else str(number)
    return f"{shown} {what}" if number == 1 else f"{shown} {what}s"


def table(*headings: str, with_headings: bool = True) -> Table:
    """Return a table to draw; long cells take several lines. `add_row` adds to it."""
    made = Table(box=None, pad_edge=False, show_header=with_headings)
    for heading in headings:
        made.add_column(text(heading), overflow="fold")
    return made


def grid() -> Table:
    """Return a table without headings, as wide as what it has."""
    return Table.grid(padding=(0, 2))


def add_row(to: Table, *cells: str) -> None:
    """Add a row to a table: a line for each cell, whatever it holds."""
    to.add_row(*(text(cell) for cell in cells))


def live(draw: Callable[[], RenderableType], console: Console) -> Live:
    """Return what shows, while it is entered, what `draw` gives at the foot of a terminal."""
    from rich.live import Live  # noqa: PLC0415 - slow, and no help needs it

    return Live(get_renderable=draw, console=console, transient=True)


class JsonOut:
    """Where JSON is written as it comes: stdout."""

    def write(self, document: str) -> None:
        """Write a part of a document."""
        sys.stdout.write(_visible_json(document))


class CsvOut:
    """Where CSV is written as it comes: stdout; to a terminal as people may see it, a row a line.

    A file or a pipe gets the data as they stand: CSV has no way to escape a character.
    """

    def __init__(self) -> None:
        """Ask once where stdout leads."""
        self._to_terminal = sys.stdout.isatty()

    def write(self, row: str) -> None:
        """Write one row."""
        if self._to_terminal:
            row = visible(row.removesuffix("\r\n")) + "\n"
        sys.stdout.write(row)


def write_answer(content: bytes) -> None:
    """Write what a server answered to stdout, as it is; to a terminal, as people may see it."""
    if not sys.stdout.isatty():
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    for line in content.decode(errors="backslashreplace").removesuffix("\n").split("\n"):
        click.echo(visible(line, keep="\t"))
