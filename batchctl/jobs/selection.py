"""Which results are shown, and in which order: by their status, and sorted by a column."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing
from dataclasses import asdict

from batchctl.errors import UsageError
from batchctl.jobs.api.job import Result
from batchctl.jobs.tables import row_of


def with_status(results: Iterable[Result], statuses: Collection[str]) -> Iterator[Result]:
    """Yield those that have one of these statuses; all where there are none."""
    return (each for each in results if not statuses or each.status in statuses)


def in_order_of(results: Iterable[Result], column: str, *, descending: bool) -> Iterator[Result]:
    """Yield results by a column of theirs: numbers, then texts; those without it come last.

    They wait on disk: memory doesn't grow with them. Those of one value stay in their order. Raises
    UsageError where no result has the column.
    """
    # A temporary database of SQLite's own, on disk as soon as it is large.
    with closing(sqlite3.connect("", isolation_level=None)) as kept:
        kept.execute("CREATE TABLE result (key, content TEXT)")
        kept.execute("BEGIN")
        kept.executemany("INSERT INTO result VALUES (?, ?)", _keyed(results, column))
        found = kept.execute("SELECT count(*), count(key) FROM result").fetchone()
        if found[0] and not found[1]:
            raise UsageError(f"could not sort by `{column}`: no result has such a column")
        direction = "DESC" if descending else "ASC"
        order = f"ORDER BY key IS NULL, key {direction}, rowid"
        for (content,) in kept.execute(f"SELECT content FROM result {order}"):  # noqa: S608 - ours
            yield Result(**json.loads(content))


def _keyed(results: Iterable[Result], column: str) -> Iterator[tuple[object, str]]:
    for result in results:
        value = row_of(result).get(column)
        key = value if isinstance(value, str | float | None) else _number_or_text(value)
        yield key, json.dumps(asdict(result))


def _number_or_text(value: object) -> object:
    """Return what SQLite can compare: an integer beyond its 64 bits as a float, else JSON."""
    if isinstance(value, int):
        return int(value) if abs(value) < 2**63 else float(value)
    return json.dumps(value)
