"""The universe of a job from the command line: `--universe A,B`, or a file of one of four formats.

Text has an item a line. CSV, TSV and JSON Lines have a row an item: one column is the item, the
others are parameters of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from batchctl.errors import UsageError
from batchctl.jobs.api.new_task import Entry
from batchctl.jobs.universe.csv_rows import read_csv
from batchctl.jobs.universe.decoding import decoded
from batchctl.jobs.universe.distinct import distinct
from batchctl.jobs.universe.json_rows import read_json_lines
from batchctl.jobs.universe.rows import Reading, Rows
from batchctl.jobs.universe.text_lines import COMMENT, read_lines

FORMATS = ("text", "csv", "tsv", "jsonl")
_BY_ENDING = {"csv": "csv", "tsv": "tsv", "tab": "tsv", "jsonl": "jsonl", "ndjson": "jsonl"}


@dataclass(frozen=True)
class FileOptions:
    """How a file is read; None: as its name and its first line say.

    `text_columns` are not read as numbers. `comment` is what begins a line that is left out;
    `unique` drops an item that has stood before.
    """

    format: str | None = None
    item_column: str | None = None
    text_columns: tuple[str, ...] = ()
    comment: str | None = None
    unique: bool = False

    def given(self) -> bool:
        """Whether any of them was given."""
        return self != FileOptions()


@dataclass(frozen=True)
class Universe:
    """The entries to submit, and what there is to say about where they come from."""

    entries: Sequence[Entry]
    notes: tuple[str, ...] = field(default=())


def from_options(
    values: Sequence[str],
    file: str | None,
    stdin: BinaryIO,
    options: FileOptions = FileOptions(),
) -> Universe:
    """Read the items that the options give; `file` may be `-`, for `stdin`.

    Raises UsageError: neither or both given, a file that can't be read, no item, an item twice.
    """
    if bool(values) == (file is not None):
        raise UsageError("could not read the universe: give `--universe` or `--universe-file`")
    if file is not None:
        return from_file(file, stdin, options)
    if options.given() and options != FileOptions(unique=True):
        raise UsageError(
            "could not read the universe: `--format`, `--item-column`, `--text-column` and "
            "`--comment` are about `--universe-file`"
        )
    return Universe(from_values(values, unique=options.unique))


def from_values(values: Sequence[str], *, unique: bool = False) -> Sequence[Entry]:
    """Split values at commas; `["A,B", "C"]` is A, B and C. Whitespace around items is dropped.

    Raises UsageError for nothing between commas (often an empty variable), and for an item twice.
    """
    items = tuple(item.strip() for value in values for item in value.split(","))
    if "" in items:
        raise UsageError("could not read `--universe`: there is nothing beside a comma")
    positions = [f"item {number}" for number in range(1, len(items) + 1)]
    return distinct("--universe", items, positions, unique=unique)[0]


def from_file(file: str, stdin: BinaryIO, options: FileOptions) -> Universe:
    """Read a file, as its ending or `options.format` says; raises UsageError, naming the line."""
    name = "standard input" if file == "-" else file
    rows = _rows(_content(file, stdin), name, options, _format(file, options))
    if not rows.entries:
        raise UsageError(f"could not read `{name}`: there is no item in it")
    entries, dropped = distinct(name, rows.entries, _InLines(rows.lines), unique=options.unique)
    return Universe(entries, rows.notes(name, len(entries), dropped))


@dataclass(frozen=True)
class _InLines:
    """Where entries stand, in words, by their index."""

    lines: Sequence[int]

    def __getitem__(self, index: int) -> str:
        return f"line {self.lines[index]}"


def _format(file: str, options: FileOptions) -> str:
    ending = file.lower().removesuffix(".gz").rpartition(".")[2]
    return options.format or _BY_ENDING.get(ending, "text")


def _rows(content: bytes, name: str, options: FileOptions, form: str) -> Rows:
    reading = Reading(name, options.item_column, options.text_columns, options.comment)
    text = decoded(content, name)
    if form == "jsonl":
        return read_json_lines(text, reading)
    if form in ("csv", "tsv"):
        return read_csv(text, reading, delimiter="\t" if form == "tsv" else None)
    if options.item_column or options.text_columns:
        raise UsageError(
            f"could not read `{name}`: it is read as text, which has no columns",
            hint="add `--format csv`, `--format tsv` or `--format jsonl`",
        )
    return read_lines(text, COMMENT if options.comment is None else options.comment)


def _content(file: str, stdin: BinaryIO) -> bytes:
    if file == "-":
        return stdin.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise UsageError(f"could not read `{file}`: {error.strerror}") from error
