"""Which Python runs local tasks: a line in the local cloud's folder, read when a task starts."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_FILE = "task-python"


def record_python(directory: Path, python: Path | None) -> None:
    """Let tasks run with this Python from now on; None: with the user's own."""
    path = directory / _FILE
    if python is None:
        path.unlink(missing_ok=True)
        return
    partial = path.with_name(f"{_FILE}.{os.getpid()}")
    partial.write_text(f"{python}\n", encoding="utf-8")
    partial.replace(path)


def python_of_tasks(directory: Path, otherwise: str) -> str:
    """Return the Python that tasks run with; `otherwise` where none is recorded, or it is gone."""
    with suppress(OSError):
        found = (directory / _FILE).read_text(encoding="utf-8").strip()
        if Path(found).exists():
            return found
    return otherwise
