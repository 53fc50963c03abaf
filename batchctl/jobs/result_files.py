"""Results in a file: its ending says the format, and it is there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TextIO

from batchctl.errors import BatchctlError, UsageError
from batchctl.jobs import tables
from batchctl.jobs.api.job import Result
from batchctl.jobs.parquet import write_parquet

Write = Callable[[Iterable[Result], TextIO, Sequence[str]], None]
_WRITERS: dict[str, Write] = {
    "csv": tables.write_csv,
    "jsonl": tables.write_json_lines,
    "ndjson": tables.write_json_lines,
    "json": tables.write_json,
    "parquet": lambda results, out, only: write_parquet(results, out.buffer, only),
}
ENDINGS = tuple(_WRITERS)


def format_of(path: Path) -> str:
    """Return what the ending of a file says; raises UsageError for none that we write."""
    ending = path.suffix.lower().removeprefix(".")
    if ending not in _WRITERS:
        raise UsageError(
            f"could not write `{path}`: `.{ending}` is none of the formats that results have",
            hint=f"let it end in {', '.join(f'`.{each}`' for each in ENDINGS)}",
        )
    return ending


def write_file(
    results: Iterable[Result], path: Path, only: Sequence[str] = (), write: Write | None = None
) -> None:
    """Write results to a file, in the place of what is there, once all of them are written.

    Memory doesn't grow with them. Raises UsageError for an ending, and BatchctlError where the file
    can't be written; then nothing has changed.
    """
    write = write or _WRITERS[format_of(path)]
    partial = None
    try:
        descriptor, name = tempfile.mkstemp(".partial", f".{path.name}.", path.parent)
        partial = Path(name)
        with open(descriptor, "w", encoding="utf-8", newline="") as out:  # noqa: PTH123 - a number
            write(results, out, only)
            out.flush()
            os.fsync(out.fileno())
        partial.chmod(0o666 & ~_umask())
        partial.replace(path)
    except OSError as error:
        raise BatchctlError(f"could not write `{path}`: {error.strerror}") from error
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)


def _umask() -> int:
    """Return the mode bits that new files of this user don't get; temporary ones have less."""
    umask = os.umask(0o077)
    os.umask(umask)
    return umask
