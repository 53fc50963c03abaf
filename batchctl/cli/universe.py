"""The options that name a universe, and how a file of one is read."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from batchctl.cli.output import say
from batchctl.errors import UsageError
from batchctl.jobs.api.new_task import Entry, item_of
from batchctl.jobs.universe import FORMATS, FileOptions, from_options

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True)
class UniverseOptions:
    """What the options say: the items themselves, or a file, and how that is read."""

    items: tuple[str, ...]
    file: str | None
    reading: FileOptions


_FILE = (
    click.option(
        "--universe-file",
        metavar="F|-",
        help="File of items: text, CSV, TSV or JSON Lines; `-` is stdin.",
    ),
    click.option(
        "--format",
        "form",
        type=click.Choice(FORMATS),
        help="Format of the file.  [default: by its ending; else text, an item a line]",
    ),
    click.option(
        "--item-column",
        metavar="NAME",
        help="Column that is the item; the others are its own parameters.  [default: `item`, or "
        "the first]",
    ),
    click.option(
        "--text-column",
        "text_columns",
        multiple=True,
        metavar="NAME",
        help="CSV column that stays text, though all of it are numbers.",
    ),
    click.option(
        "--comment",
        metavar="PREFIX",
        help="Leave out lines that begin so.  [default: `#` in text, none elsewhere]",
    ),
    click.option("--unique", is_flag=True, help="Take an item that stands repeatedly once."),
)
_ITEMS = click.option(
    "--universe", "items", multiple=True, help="Items, with commas; may be given repeatedly."
)


def universe_options(command: Command) -> Command:
    """Add the options; the command gets them as `universe`, UniverseOptions."""
    return _with_options(command, (_ITEMS, *_FILE))


def file_options(command: Command) -> Command:
    """Add those of a file alone."""
    return _with_options(command, _FILE)


def read_universe(options: UniverseOptions) -> Sequence[Entry]:
    """Read the items, and print on stderr how many of a file there are; raises UsageError."""
    found = from_options(options.items, options.file, sys.stdin.buffer, options.reading)
    for note in found.notes:
        say(note)
    return found.entries


def own_parameters(item: str, options: UniverseOptions) -> Mapping[str, object]:
    """Return the parameters that a file gives an item; UsageError where it isn't in there."""
    found = from_options((), options.file, sys.stdin.buffer, options.reading)
    entry = next((each for each in found.entries if item_of(each) == item), None)
    if entry is None:
        raise UsageError(f"could not run the item: `{options.file}` has no item `{item}`")
    own = {} if isinstance(entry, str) else entry["parameters"]
    return own if isinstance(own, Mapping) else {}


def _with_options(command: Command, options: Sequence[Callable[[Any], Any]]) -> Command:
    @functools.wraps(command)
    def run(*arguments: Any, **given: Any) -> Any:
        reading = FileOptions(
            format=given.pop("form"),
            item_column=given.pop("item_column"),
            text_columns=given.pop("text_columns"),
            comment=given.pop("comment"),
            unique=given.pop("unique"),
        )
        items = given.pop("items", ())
        given["universe"] = UniverseOptions(items, given.pop("universe_file"), reading)
        return command(*arguments, **given)

    for option in reversed(options):
        run = option(run)
    return run  # type: ignore[return-value]
