"""The files that `init` once copied into the user's folder, and that nothing reads any more.

They are known by what is in them: a file of the user's that happens to be called `runner.py` is
none of them, nor is a Dockerfile that they have changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

# A module of ours by its first line, whoever has changed another line of it.
_FIRST_LINES: Final[Mapping[str, str]] = {
    "attempts.py": "Calling the user's compute function for one item: tries, backoff, and what "
    "became of it.",
    "job_table.py": "The job table as the compute container sees it: reads a task's items, writes "
    "their results.",
    "runner.py": "The compute container's main program: one AWS Batch task, which is a slice of a "
    "job's universe.",
    "stopping.py": "How a task ends when told to: SIGTERM (a reclaimed host, a cancelled job, a "
    "timeout) or SIGINT.",
}
# What people change goes only where nobody has changed it: the SHA-256 of each version.
_DIGESTS: Final[Mapping[str, tuple[str, ...]]] = {
    "Dockerfile": (
        "5bc3539e96e43d69bbf59d17fcf9460373d2b11e5ffdb813b8148e207cad95cb",
        "21c03170e4392dfadfbc7e648f44c1032c3796a75da541064396c25349eaba80",
    ),
    "README.md": ("0f6219b2b0e4cac034e9911dcc6704418a3771a91b82ae9fc259cb1951b44dfb",),
}


def superseded_files(folder: Path) -> tuple[str, ...]:
    """Return the names of such files in a folder, sorted; those that can't be read are none."""
    modules = [name for name, line in _FIRST_LINES.items() if _begins(folder / name, line)]
    others = [name for name, known in _DIGESTS.items() if _digest(folder / name) in known]
    return tuple(sorted([*modules, *others]))


def _begins(path: Path, line: str) -> bool:
    return _content(path).startswith(f'"""{line}'.encode())


def _digest(path: Path) -> str:
    return hashlib.sha256(_content(path)).hexdigest()


def _content(path: Path) -> bytes:
    with suppress(OSError):
        return path.read_bytes().replace(b"\r\n", b"\n") if path.is_file() else b""
    return b""
