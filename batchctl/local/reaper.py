"""The reaper: a small process that kills what the local cloud leaves behind, and ends.

The cloud holds the only write end of a pipe, and writes into it which process groups and folders
are its own. However the cloud ends, SIGKILL included, the pipe closes; the reaper then kills those
groups, removes the cloud's containers where it has an engine, removes the folders, and exits. Its
arguments: [ENGINE OWNER].
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from batchctl.image.running import EngineError
from batchctl.local.environment import launch
from batchctl.local.owned_containers import OwnedContainers


class Watcher(Protocol):
    """Ends process groups when this process is gone."""

    def watch(self, group: int) -> None:
        """Kill this group when this process is gone."""

    def forget(self, group: int) -> None:
        """Leave this group alone: it has ended."""


class Reaper:
    """The cloud's end of the pipe."""

    def __init__(self, engine: str = "", owner: str = "") -> None:
        """Start the reaper in a session of its own: nothing aimed at the cloud may hit it.

        With an engine's command line it removes the containers that carry the owner's label.
        """
        reader, self._writer = os.pipe()
        containers = [engine, owner] if engine else []
        self._process = subprocess.Popen(  # noqa: S603 - ourselves, and the user's own engine
            launch.command("batchctl.local.reaper", *containers),
            stdin=reader,
            start_new_session=True,
        )
        os.close(reader)

    @property
    def pid(self) -> int:
        """The reaper's process id."""
        return self._process.pid

    def watch(self, group: int) -> None:
        """Kill this group when this process is gone."""
        self._write(f"+{group}\n")

    def forget(self, group: int) -> None:
        """Leave this group alone: it has ended."""
        self._write(f"-{group}\n")

    def remove_at_end(self, folder: str) -> None:
        """Remove a folder, with all that is in it, when this process is gone."""
        self._write(f"={folder}\n")

    def close(self) -> None:
        """Have every watched group killed now, and wait for the reaper's end."""
        os.close(self._writer)
        self._process.wait()

    def _write(self, line: str) -> None:
        # Lines this short are written whole or not at all (pipe(7), PIPE_BUF), from any thread.
        with suppress(BrokenPipeError):
            os.write(self._writer, line.encode())


@dataclass(frozen=True)
class Orphans:
    """What a cloud that has ended leaves behind: process groups and folders."""

    groups: tuple[int, ...]
    folders: tuple[str, ...]


def orphans(lines: Iterable[str]) -> Orphans:
    """Return what is still watched when `lines` end."""
    groups: dict[int, None] = {}
    folders: list[str] = []
    for line in lines:
        kind, name = line[0], line[1:].rstrip("\n")
        if kind == "=":
            folders.append(name)
        elif kind == "+":
            groups[int(name)] = None
        else:
            groups.pop(int(name), None)
    return Orphans(tuple(groups), tuple(folders))


def main() -> None:
    """Read what to watch until the cloud is gone, then end and remove it, and its containers."""
    left = orphans(sys.stdin)
    for group in left.groups:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    if len(sys.argv) > 1:
        engine, owner = sys.argv[1:]
        with suppress(EngineError):
            OwnedContainers.parse(engine, owner).remove_all()
    for folder in left.folders:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
