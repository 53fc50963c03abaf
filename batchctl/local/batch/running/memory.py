"""Holds processes to the memory of their job, as a container's limit does on AWS.

Counted is what a process and all that it has started hold for themselves; files that they read
don't count, as a container's page cache is given up before it is killed. Linux reports it (proc(5),
`/proc/PID/statm` and `children`); elsewhere nothing is limited.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"
"""Amazon ECS Developer Guide, "Stopped tasks error codes": the reason; the exit code is 137."""

POLL_S = 0.2
"""How often is looked: what grows by more than its limit in that time is caught too late."""

_MIB = 1024 * 1024


class MemoryWatch:
    """Kills process groups that take more than their limit; one thread looks after all."""

    def __init__(self, held_mib: Callable[[int], float] | None = None) -> None:
        """Watch none yet; `held_mib` tells what the process of this id and its children hold."""
        self._held_mib = held_mib or held_by_all
        self._limits_mib: dict[int, int] = {}
        self._killed: set[int] = set()
        self._changed = threading.Condition()
        self._is_running = False

    def watch(self, pid: int, limit_mib: int) -> None:
        """Kill this group leader's group once it holds more than `limit_mib`."""
        with self._changed:
            self._limits_mib[pid] = limit_mib
            if not self._is_running:
                self._is_running = True
                threading.Thread(target=self._run, name="memory", daemon=True).start()
            self._changed.notify_all()

    def forget(self, pid: int) -> bool:
        """Watch this group no longer; return whether it was killed for its memory."""
        with self._changed:
            self._limits_mib.pop(pid, None)
            was_killed = pid in self._killed
            self._killed.discard(pid)
            return was_killed

    def poll(self) -> None:
        """Kill now whatever holds too much."""
        with self._changed:
            for pid, limit_mib in self._limits_mib.items():
                if pid not in self._killed and self._held_mib(pid) > limit_mib:
                    self._killed.add(pid)
                    with suppress(ProcessLookupError, PermissionError):
                        os.killpg(pid, signal.SIGKILL)

    def _run(self) -> None:
        while True:
            self.poll()
            with self._changed:
                if not self._limits_mib:
                    self._changed.wait_for(lambda: bool(self._limits_mib))
            threading.Event().wait(POLL_S)


def held_by_all(pid: int) -> float:
    """Return the MiB that a process and its descendants hold; 0 where nothing tells."""
    return held_by_one(pid) + sum(held_by_all(child) for child in _children(pid))


def held_by_one(pid: int) -> float:
    """Return the MiB that a process holds for itself; 0 where nothing tells."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
    except OSError:
        return 0.0
    resident, shared = int(pages[1]), int(pages[2])
    return (resident - shared) * os.sysconf("SC_PAGE_SIZE") / _MIB


def _children(pid: int) -> list[int]:
    children: list[int] = []
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            children += [int(child) for child in (thread / "children").read_text().split()]
    return children
