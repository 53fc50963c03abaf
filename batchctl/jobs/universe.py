"""The universe of a job from the command line: `--universe A,B`, or `--universe-file F`."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from batchctl.errors import UsageError
from batchctl.jobs.api.new_task import duplicates

DUPLICATES_NAMED = 5


def from_options(values: Sequence[str], file: str | None, stdin: BinaryIO) -> tuple[str, ...]:
    """Read the items that the options give; `file` may be `-`, for `stdin`.

    Raises UsageError: neither or both given, a file that can't be read, no item, an item twice.
    """
    if bool(values) == (file is not None):
        raise UsageError("could not read the universe: give `--universe` or `--universe-file`")
    if file is None:
        return from_values(values)
    return from_bytes(_content(file, stdin), file)


def from_values(values: Sequence[str]) -> tuple[str, ...]:
    """Split values at commas; `["A,B", "C"]` is A, B and C. Whitespace around items is dropped.

    Raises UsageError for nothing between commas (often an empty variable), and for an item twice.
    """
    items = tuple(item.strip() for value in values for item in value.split(","))
    if "" in items:
        raise UsageError("could not read `--universe`: there is nothing beside a comma")
    _check_distinct("--universe", items, [f"item {number}" for number in range(1, len(items) + 1)])
    return items


def from_bytes(content: bytes, name: str) -> tuple[str, ...]:
    """Read one item a line from UTF-8, with or without a byte order mark, any line ends.

    Whitespace around items and blank lines are dropped. Raises UsageError, naming the lines.
    """
    lines = list(_lines(content, name))
    if not lines:
        raise UsageError(f"could not read `{name}`: there is no item in it")
    items = tuple(item for _, item in lines)
    _check_distinct(name, items, [f"line {number}" for number, _ in lines])
    return items


def _content(file: str, stdin: BinaryIO) -> bytes:
    if file == "-":
        return stdin.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise UsageError(f"could not read `{file}`: {error.strerror}") from error


def _lines(content: bytes, name: str) -> Iterator[tuple[int, str]]:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise UsageError(
            f"could not read `{name}`: it is UTF-16", hint="save it as UTF-8, one item a line"
        )
    # Not str.splitlines: it splits at form feeds and the like, too, which an item may have.
    for number, line in enumerate(content.removeprefix(codecs.BOM_UTF8).split(b"\n"), start=1):
        try:
            item = line.decode().strip()
        except UnicodeDecodeError as error:
            raise UsageError(f"could not read `{name}`: line {number} isn't UTF-8") from error
        if item:
            yield number, item


def _check_distinct(name: str, items: Sequence[str], positions: Sequence[str]) -> None:
    found = duplicates(items)
    if not found:
        return
    named = [
        f"`{item}` ({', '.join(positions[index] for index in indexes[:DUPLICATES_NAMED])})"
        for item, indexes in list(found.items())[:DUPLICATES_NAMED]
    ]
    more = f" and {len(found) - DUPLICATES_NAMED} more" if len(found) > DUPLICATES_NAMED else ""
    raise UsageError(
        f"could not read `{name}`: items must be distinct, more than once there are "
        f"{', '.join(named)}{more}"
    )
