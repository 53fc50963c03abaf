"""How often the kernel has killed a process of this container for its memory.

A process that ended by SIGKILL may have run out of memory, or not: the proof is this counter
(kernel documentation: "Control Group v2", memory.events; "Memory Resource Controller", the
memory.oom_control of version 1).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from batchctl.contract.environment import Container

CGROUP = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")
KILLS = re.compile(rb"^oom_kill (\d+)$", re.MULTILINE)
FILE_BYTES = 4096


class MemoryKills:
    """The counter of one container; without such a file nothing is ever proved."""

    def __init__(self, path: Path | None) -> None:
        """Read the counter from this file, which stays open: it is read for each item."""
        self._file = None if path is None else os.open(path, os.O_RDONLY)
        self._attributed = 0

    def count(self) -> int:
        """Return how many processes have been killed so far."""
        if self._file is None:
            return 0
        try:
            found = KILLS.search(os.pread(self._file, FILE_BYTES, 0))
        except OSError:
            return 0
        return int(found[1]) if found else 0

    def attribute(self, before: int) -> bool:
        """Return whether a process was killed since the counter was `before`, each one once."""
        known = max(self._attributed, before)
        if self.count() <= known:
            return False
        self._attributed = known + 1
        return True


def memory_kills(environment: Mapping[str, str]) -> MemoryKills:
    """Return the counter of this container."""
    return MemoryKills(next((path for path in _paths(environment) if _counts(path)), None))


def _paths(environment: Mapping[str, str]) -> Iterator[Path]:
    """Yield where the counter may be: as the container sees its cgroup, or as the host does."""
    if Container.MEMORY_EVENTS in environment:
        yield Path(environment[Container.MEMORY_EVENTS])
        return
    try:
        own = OWN.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for _, controllers, group in (line.split(":", 2) for line in own if line.count(":") >= 2):
        if not controllers:
            yield CGROUP / group.lstrip("/") / "memory.events"
            yield CGROUP / "memory.events"
        elif "memory" in controllers.split(","):
            yield CGROUP / "memory" / group.lstrip("/") / "memory.oom_control"
            yield CGROUP / "memory" / "memory.oom_control"


def _counts(path: Path) -> bool:
    try:
        return KILLS.search(path.read_bytes()) is not None
    except OSError:
        return False
