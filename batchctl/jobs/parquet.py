"""Results as Parquet, for the extra `[parquet]`: the columns of CSV, each of its own type.

The rows wait on disk until all columns and their types are known, and are written some thousands at
a time: memory doesn't grow with them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from batchctl.errors import BatchctlError
from batchctl.jobs.api.job import Result
from batchctl.jobs.tables import SPOOLED_BYTES, columns_of, row_of

ROWS_A_GROUP = 10_000
_KINDS = {
    **dict.fromkeys(("item", "status", "reason", "signal", "error"), "string"),
    **dict.fromkeys(("attempts", "exit_code"), "int64"),
    **dict.fromkeys(("seconds", "peak_memory_mib"), "double"),
}
"""Of our own columns, which have it whether or not any row has such a cell."""


def write_parquet(results: Iterable[Result], out: IO[bytes], only: Sequence[str] = ()) -> None:
    """Write results as one file of Parquet; BatchctlError where the extra isn't installed.

    A column is of numbers or of booleans where all of its cells are, else of text: lists, and
    values of several kinds, are JSON.
    """
    arrow, parquet = _arrow()
    kinds: dict[str, str] = {}
    with SpooledTemporaryFile(SPOOLED_BYTES, "w+", encoding="utf-8") as kept:
        for row in map(row_of, results):
            for name, value in row.items():
                kinds[name] = _KINDS.get(name) or _wider(kinds.get(name), value)
            kept.write(json.dumps(row) + "\n")
        kept.seek(0)
        columns = columns_of(kinds, only)
        types = {name: kinds.get(name) or "string" for name in columns}
        schema = arrow.schema([(n, arrow.type_for_alias(kind)) for n, kind in types.items()])
        with parquet.ParquetWriter(out, schema) as writer:
            rows = map(json.loads, kept)
            while group := list(islice(rows, ROWS_A_GROUP)):
                cells = {name: list(_cells(group, name, kind)) for name, kind in types.items()}
                writer.write_table(arrow.table(cells, schema=schema))


def _cells(rows: Sequence[dict[str, Any]], name: str, kind: str) -> Iterator[object]:
    for row in rows:
        value = row.get(name)
        is_text = value is None or isinstance(value, str)
        yield value if kind != "string" or is_text else json.dumps(value, ensure_ascii=False)


def _wider(kind: str | None, value: object) -> str:
    """Return the kind of a column that has such a cell as well; empty: of nothing yet."""
    if value is None:
        return kind or ""
    found = _kind(value)
    if not kind or kind == found:
        return found
    return "double" if {kind, found} == {"int64", "double"} else "string"


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int64" if -(2**63) <= value < 2**63 else "string"
    return "double" if isinstance(value, float) else "string"


def _arrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa  # noqa: PLC0415 - who doesn't ask for it needn't have it
        from pyarrow import parquet  # noqa: PLC0415 - as above
    except ImportError as error:
        raise BatchctlError(
            "could not write Parquet: pyarrow isn't installed",
            hint="`pip install 'batchctl[parquet]'`",
        ) from error
    return pa, parquet
