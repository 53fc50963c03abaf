"""What the runner asks of the system: whose orphans it gets, what is killed first, what is left.

On Linux a process can be the *subreaper* of its descendants: those that lose their parent become
its own children, whatever session they are in, so that it can end them all (prctl(2),
PR_SET_CHILD_SUBREAPER). Elsewhere a child in a session of its own can't be found again.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import signal
import sys
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Any

IS_LINUX = sys.platform.startswith("linux")
HAS_WAITID = hasattr(os, "waitid")
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # prctl(2)
KILLED_FIRST = "1000"  # proc(5), oom_score_adj: before all others; anybody may raise his own


@functools.cache
def c_library() -> Any:
    """Return the C library of this process; None where it can't be had."""
    try:
        return ctypes.CDLL(None)
    except (OSError, TypeError):
        return None


def adopt_orphans() -> None:
    """Make this process the subreaper of its descendants, where there is such a thing."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent, `parent`, is gone."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it went before the call
        os._exit(1)


def be_killed_first() -> None:
    """Have the kernel take this process, not the supervisor, when memory runs out."""
    with contextlib.suppress(OSError):
        descriptor = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
        try:
            os.write(descriptor, KILLED_FIRST.encode())
        finally:
            os.close(descriptor)


def flush_c_streams() -> None:
    """Write out what C code of this process has printed: `_exit` wouldn't."""
    library = c_library()
    if library is not None:
        library.fflush(None)


def collect_orphans(own: int) -> None:
    """Wait for the children of this process that have ended, but not for `own`."""
    if not HAS_WAITID:  # no system that gives us orphans
        return
    options = os.WEXITED | os.WNOHANG | os.WNOWAIT
    while (found := os.waitid(os.P_ALL, 0, options)) is not None and found.si_pid != own:
        os.waitpid(found.si_pid, 0)


def kill_descendants(keep: AbstractSet[int] = frozenset()) -> None:
    """End every process below this one, but for the children in `keep` and what is below them.

    A killed child's own children become ours and are killed in the next round.
    """
    if not keep and not _has_children():
        return
    spared = set(keep)
    while left := [pid for pid in children() if pid not in spared]:
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            except PermissionError:  # a program of another user (setuid): nothing that we can end
                spared.add(pid)
        for pid in set(left) - spared:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def children() -> list[int]:
    """Return the children of this process, ended ones that nobody waited for included."""
    if not IS_LINUX:
        return []
    try:
        return list(_listed_children())
    except OSError:  # a kernel without CONFIG_PROC_CHILDREN
        return list(_found_children())


def _has_children() -> bool:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
        return True
    return False


def _listed_children() -> Iterator[int]:
    for thread in os.listdir("/proc/self/task"):  # noqa: PTH208  # on every item's way
        with open(f"/proc/self/task/{thread}/children", encoding="ascii") as file:  # noqa: PTH123
            yield from map(int, file.read().split())


def _found_children() -> Iterator[int]:
    own = os.getpid()
    for name in os.listdir("/proc"):  # noqa: PTH208
        if name.isdecimal():
            with (
                contextlib.suppress(OSError),
                open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file,  # noqa: PTH123
            ):
                # proc(5): pid (name) state parent; the name may have anything in it
                if int(file.read().rpartition(")")[2].split()[1]) == own:
                    yield int(name)


def _prctl(option: int, value: int) -> None:
    if IS_LINUX and (library := c_library()) is not None:
        library.prctl(option, value, 0, 0, 0)
