"""One run at a time: a lock beside the state that says who holds it and since when.

The operating system drops the lock when its process ends, so a killed run leaves nothing stale.
"""

from __future__ import annotations

import getpass
import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from batchctl.errors import BatchctlError


class Locked(BatchctlError):
    """Another run holds the lock."""


@contextmanager
def locked(state_path: Path) -> Iterator[None]:
    """Hold the lock of a state for the block; Locked when another run has it."""
    state_path.parent.mkdir(parents=True, exist_ok=True)
    holder_path = state_path.with_name(state_path.name + ".holder")
    lock = FileLock(state_path.with_name(state_path.name + ".lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise Locked(
            f"could not lock `{state_path}`: {_who(holder_path)}",
            hint="wait until that run has ended",
        ) from error
    try:
        holder_path.write_text(json.dumps(_me()), encoding="utf-8")
        yield
    finally:
        holder_path.unlink(missing_ok=True)
        lock.release()


def _me() -> dict[str, str]:
    return {
        "user": getpass.getuser(),
        "host": socket.gethostname(),
        "pid": str(os.getpid()),
        "command": " ".join(["batchctl", *sys.argv[1:]]),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _who(holder_path: Path) -> str:
    try:
        holder = json.loads(holder_path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "another run holds it"
    return (
        f"`{holder['command']}` of {holder['user']}@{holder['host']} (process {holder['pid']}) "
        f"holds it since {holder['since']}"
    )
