"""Holds tasks to their memory, as a container's limit does on AWS.

Counted is what the processes of a task hold together: their own memory, and what is in memory that
they share (shm_overview(7)), each page once; files that they read don't count, as a container's
page cache is given up before anything is killed. Over the limit, one process is killed: the one
that the kernel would take in a control group, which is the largest but for its `oom_score_adj`. The
kills are counted in a file of the form of a cgroup's `memory.events`. Linux reports all this
(proc(5)); elsewhere nothing is limited.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from batchctl.local.tasks.descendants import descendants

OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"
"""Amazon ECS Developer Guide, "Stopped tasks error codes": the reason; the exit code is that of the
task's own process, which need not be the one that was killed."""

POLL_S = 0.2
"""How often is looked, and the second how often when a task holds more than half of its limit: what
grows by more than its limit in that time is caught too late."""
CLOSE_POLL_S = 0.02

MAX_ADJUSTMENT = 1000
"""proc(5), `oom_score_adj`: 1,000 counts as much as all of the memory that there is."""

_KIB, _MIB = 1024, 1024 * 1024


@dataclass(frozen=True)
class Held:
    """What one process holds, and what is added to it when one is chosen to be killed."""

    pid: int
    mib: float
    oom_score_adj: int = 0

    def badness(self, limit_mib: int) -> float:
        """Return the kernel's measure (mm/oom_kill.c, `oom_badness`) of whom to kill first."""
        return self.mib + limit_mib * self.oom_score_adj / MAX_ADJUSTMENT


Read = Callable[[int], Sequence[Held]]
"""Return what each process below one holds."""


@dataclass
class _Limit:
    mib: int
    events: Path
    kills: int = 0
    victim: int = 0
    """The process that was killed last, which takes a moment to give its memory back."""


class MemoryWatch:
    """Kills processes of tasks that take more than their limit; one thread watches all tasks."""

    def __init__(self, roughly: Read | None = None, exactly: Read | None = None) -> None:
        """Watch none yet.

        `roughly` counts shared pages once for each process, and is cheap; `exactly` decides.
        """
        self._roughly, self._exactly = roughly or held_roughly, exactly or held_exactly
        self._limits: dict[int, _Limit] = {}
        self._changed = threading.Condition()
        self._is_running = False

    def watch(self, root: int, limit_mib: int, events: Path) -> None:
        """Hold what is below the process `root` to a limit; `events` is where kills are counted."""
        with self._changed:
            self._limits[root] = _Limit(limit_mib, events)
            if not self._is_running:
                self._is_running = True
                threading.Thread(target=self._run, name="memory", daemon=True).start()
            self._changed.notify_all()

    def forget(self, root: int) -> bool:
        """Watch it no longer; return whether any process of it was killed for its memory."""
        with self._changed:
            limit = self._limits.pop(root, None)
            return limit is not None and limit.kills > 0

    def poll(self) -> float:
        """Kill now what must be; return the largest part of its limit that a task holds."""
        with self._changed:
            return max((self._check(*each) for each in self._limits.items()), default=0.0)

    def _check(self, root: int, limit: _Limit) -> float:
        part = _sum(self._roughly(root)) / limit.mib
        if part > 1:
            found = self._exactly(root)
            part = _sum(found) / limit.mib
            is_dying = any(each.pid == limit.victim and each.mib for each in found)
            if part > 1 and not is_dying:
                self._kill(max(found, key=lambda each: each.badness(limit.mib)).pid, limit)
        return part

    def _kill(self, pid: int, limit: _Limit) -> None:
        # Counted before: whoever sees the end of the process finds it in the file.
        limit.kills, limit.victim = limit.kills + 1, pid
        with suppress(OSError):  # the task has removed its own folder
            write_events(limit.events, limit.kills)
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)

    def _run(self) -> None:
        while True:
            is_close = self.poll() > 1 / 2
            with self._changed:
                if not self._limits:
                    self._changed.wait_for(lambda: bool(self._limits))
            threading.Event().wait(CLOSE_POLL_S if is_close else POLL_S)


def held_by_all(pid: int) -> float:
    """Return the MiB that a process and its descendants hold; 0 where nothing tells."""
    return held_by_one(pid) + sum(map(held_by_one, descendants(pid)))


def held_by_one(pid: int) -> float:
    """Return the MiB that a process holds for itself; 0 where nothing tells."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
    except OSError:
        return 0.0
    resident, shared = int(pages[1]), int(pages[2])
    return (resident - shared) * os.sysconf("SC_PAGE_SIZE") / _MIB


def held_roughly(root: int) -> list[Held]:
    """Return what the processes below `root` hold: shared pages count for each that has them."""
    return [
        Held(pid, _kib(f"/proc/{pid}/status", ("RssAnon:", "RssShmem:")) / _KIB)
        for pid in descendants(root)
    ]


def held_exactly(root: int) -> list[Held]:
    """Return the same with each page shared out among those that have it, and who goes first."""
    return [
        Held(
            pid, _kib(f"/proc/{pid}/smaps_rollup", ("Pss_Anon:", "Pss_Shmem:")) / _KIB, _score(pid)
        )
        for pid in descendants(root)
    ]


def _kib(path: str, names: tuple[str, ...]) -> int:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - read often
            return sum(int(line.split()[1]) for line in file if line.startswith(names))
    except OSError:
        return 0


def _score(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/oom_score_adj").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0


def _sum(found: Sequence[Held]) -> float:
    return sum(each.mib for each in found)


def write_events(path: Path, kills: int) -> None:
    """Write the counters (Linux, "Control Group v2", memory.events).

    Into the file itself, as a control group does: whoever has it open reads the new ones.
    """
    counters = {
        "low": 0,
        "high": 0,
        "max": kills,
        "oom": kills,
        "oom_kill": kills,
        "oom_group_kill": 0,
    }
    lines = "".join(f"{name} {count}\n" for name, count in counters.items())
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.pwrite(descriptor, lines.encode("ascii"), 0)  # never shorter: counters only rise
    finally:
        os.close(descriptor)
