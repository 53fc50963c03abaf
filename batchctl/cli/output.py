"""Where output goes, and the one way to it: data on stdout, all else on stderr.

Nobody else in this room prints (a test of the house sees to it): here every text passes `visible`,
which leaves nothing that a terminal would obey, whoever wrote it, and where a build service reads
along, `build_commands`, which leaves nothing that it would. rich's markup is off: what is in
brackets is data. Colour never carries sense.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from batchctl.cli import visible as escapes
from batchctl.cli.build_commands import (
    reads_commands,
    without_commands,
    without_commands_in_json,
)
from batchctl.cli.spelling import spelled
from batchctl.contract.statuses import Status

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.live import Live
    from rich.segment import Segment
    from rich.table import Table
    from rich.text import Text

UNWRAPPED = 10_000
"""The width of tables that go into a file or a pipe: lines are not broken there."""
_PLAIN_TERMINALS = {"dumb", "unknown"}
CONTINUED = "  | "
"""Before each further line of a text of many lines: none of ours begins so."""


@functools.cache
def _console_class() -> Any:
    """Return rich's console as one that shows text, whatever it is asked to draw, and no markup."""
    from rich.console import Console  # noqa: PLC0415 - slow, and few commands draw
    from rich.segment import Segment  # noqa: PLC0415

    class VisibleConsole(Console):
        def __init__(self, **settings: Any) -> None:
            super().__init__(highlight=False, markup=False, emoji=False, **settings)

        def render(
            self, renderable: RenderableType, options: ConsoleOptions | None = None
        ) -> Iterable[Segment]:
            """Yield what rich draws; what moves the cursor is rich's own."""
            for segment in super().render(renderable, options):
                text, style, control = segment
                yield segment if control else Segment(visible(text, keep="\n"), style)

    return VisibleConsole


def visible(text: str, *, keep: str = "") -> str:
    """Return a text as it may be shown, as `visible.visible` does; nor does a build obey it."""
    shown = escapes.visible(text, keep=keep)
    return without_commands(shown) if reads_commands(os.environ) else shown


def _visible_json(document: str) -> str:
    shown = escapes.visible_json(document)
    return without_commands_in_json(shown) if reads_commands(os.environ) else shown


def people() -> Console:
    """Return the console for people: stderr, which honours NO_COLOR and plain terminals."""
    console: Console = _console_class()(stderr=True, soft_wrap=not sys.stderr.isatty())
    return console


def data() -> Console:
    """Return the console for what is drawn on stdout."""
    console: Console = _console_class()(width=None if sys.stdout.isatty() else UNWRAPPED)
    return console


def width_of_stdout() -> int | None:
    """Return how many characters a line of the terminal has; None in a file or a pipe."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def can_redraw() -> bool:
    """Whether stderr is a terminal on which lines can be drawn anew; on others, lines follow."""
    return sys.stderr.isatty() and os.environ.get("TERM") not in _PLAIN_TERMINALS


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
    shown = escapes.visible_log(line, colours=_has_colours())
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


class StatusText(str):
    """A status in a row of a table: shown in its colour where a terminal has any."""

    __slots__ = ()


def show_rows(rows: Iterable[Iterable[str]]) -> None:
    """Print rows of a table on stdout: a line each, in pieces; there may be a million."""
    if _has_colours():
        sys.stdout.writelines(f"{''.join(map(_coloured, row))}\n" for row in rows)
    else:
        sys.stdout.writelines(f"{visible(''.join(row))}\n" for row in rows)


# Basic colours, which every theme draws readably on its own background.
_COLOURS: Mapping[str, str] = {
    Status.SUCCEEDED: "\x1b[32m",
    Status.FAILED: "\x1b[31m",
    Status.CANCELLED: "\x1b[35m",
    Status.RUNNING: "\x1b[1m",
}


def _coloured(piece: str) -> str:
    shown = visible(piece)
    colour = _COLOURS.get(shown) if isinstance(piece, StatusText) else None
    return f"{colour}{shown}\x1b[0m" if colour else shown


def _has_colours() -> bool:
    """Whether stdout shows colours: https://no-color.org, and terminals that say they can't."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") in _PLAIN_TERMINALS:
        return False
    return sys.stdout.isatty()


def ask(question: str) -> bool:
    """Ask on stderr; Enter alone is a no."""
    return click.confirm(visible(spelled(question)), err=True)


def ask_for(what: str, choices: Sequence[str] = ()) -> str:
    """Ask for a text on stderr, or for one of `choices`, until there is one."""
    kind = click.Choice(choices) if choices else None
    return str(click.prompt(visible(what), type=kind, show_choices=False, err=True))


def print_json(value: Any) -> None:
    """Print one JSON document on stdout."""
    _written["json"] = "document"
    click.echo(_visible_json(json.dumps(value, indent=2, ensure_ascii=False)))


def print_json_line(value: Any) -> None:
    """Print one JSON document in one line on stdout."""
    _written["json"] = "lines"
    click.echo(_visible_json(json.dumps(value, ensure_ascii=False)))


def print_json_error(value: Any) -> None:
    """Print an error as JSON: a line after lines, a document where nothing was printed.

    Not within a document that has begun: what is cut is no JSON, and so can't be taken for whole.
    """
    match _written.get("json"):
        case None:
            print_json(value)
        case "lines":
            print_json_line(value)


_written: dict[str, str] = {}
"""What kind of JSON this command has begun to print, if any."""


def begin_output() -> None:
    """Forget what an earlier command of this process has printed."""
    _written.clear()


def text(value: str) -> Text:
    """Return a text to draw, in one line."""
    from rich.text import Text  # noqa: PLC0415 - slow, and few commands draw

    return Text(visible(value))


def counted(number: int, what: str) -> str:
    """Write a count with its noun: `1 task`, `2,000 tasks`; what a stranger sent as it is."""
    shown = f"{number:,}" if type(number) is int else str(number)
    return f"{shown} {what}" if number == 1 else f"{shown} {what}s"


def grid() -> Table:
    """Return a table without headings, as wide as what it has."""
    from rich.table import Table  # noqa: PLC0415 - slow, and few commands draw

    return Table.grid(padding=(0, 2))


def live(draw: Callable[[], RenderableType], console: Console) -> Live:
    """Return what shows, while it is entered, what `draw` gives at the foot of a terminal."""
    from rich.live import Live  # noqa: PLC0415 - slow, and no help needs it

    return Live(get_renderable=draw, console=console, transient=True)


class JsonOut:
    """Where JSON is written as it comes: stdout."""

    def write(self, document: str) -> None:
        """Write a part of a document."""
        _written["json"] = "document"
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
