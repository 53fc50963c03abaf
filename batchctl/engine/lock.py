"""One run at a time: a lock beside the state that says who holds it and since when.

The operating system releases the lock when its process ends, so a killed run leaves no stale lock
on its own host. Of runs on other hosts only the holder's file is known, which stays when that host
dies. `free` is for that case, and for file systems whose locks outlive their process.
"""

from __future__ import annotations

import errno
import getpass
import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from batchctl.engine.state_on_disk import real_path
from batchctl.errors import BatchctlError
from batchctl.private_files import (
    create_private,
    narrow,
    private_folder,
    require_plain,
    unwritable,
    write_private,
)

# For a state that is shared through a link (`real_path`): others lock and read it too.
_SHARED_LOCK_MODE = 0o666
_SHARED_HOLDER_MODE = 0o644
_PRIVATE_MODE = 0o600
_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})


class Locked(BatchctlError):
    """Another run holds the lock."""

    code = "locked"


@dataclass(frozen=True)
class Holder:
    """The run that holds the lock; `since` is UTC in ISO 8601."""

    user: str
    host: str
    pid: str
    command: str
    since: str

    def __str__(self) -> str:
        """Return it in words."""
        return (
            f"`{self.command}` of {self.user}@{self.host} (process {self.pid}) "
            f"has held it since {self.since}"
        )


@dataclass(frozen=True)
class Held:
    """A lock that blocks other runs: its holder, if known, and whether that process is alive.

    `alive` is only ever true for processes of this host.
    """

    holder: Holder | None
    alive: bool

    def __str__(self) -> str:
        """Return who holds it, in words."""
        return str(self.holder) if self.holder else "another run holds it"


@contextmanager
def locked(state_path: Path) -> Iterator[None]:
    """Hold the lock of a state for the block; Locked when another run has it.

    The lock of a killed run of this host is taken over. BatchctlError when the lock's name is a
    link, or anything else but a regular file, and when it can't be written.
    """
    real = real_path(state_path)
    shared = real != state_path
    lock = _prepared(real, shared=shared)
    try:
        has_locks = _acquired(lock, real)
        other = _noted(real)
        if other and (other.host != socket.gethostname() or (lives_here(other) and not has_locks)):
            raise _refusal(real, other)
        _note(real, _SHARED_HOLDER_MODE if shared else _PRIVATE_MODE, is_the_lock=not has_locks)
        try:
            yield
        finally:
            with suppress(OSError):
                _holder_path(real).unlink(missing_ok=True)
    finally:
        lock.release()


def _acquired(lock: FileLock, state_path: Path) -> bool:
    """Take the lock; False on a file system without locks. Locked when another run has it."""
    with unwritable(_lock_path(state_path)):
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise _refusal(state_path, _noted(state_path)) from error
        except OSError as error:
            # Shares and many FUSE mounts: flock(2).
            if error.errno not in _NO_LOCKS:
                raise
            return False
    return True


def _note(state_path: Path, mode: int, *, is_the_lock: bool) -> None:
    """Note this run as the holder; where there are no locks only one run can make that file."""
    path, text = _holder_path(state_path), json.dumps(asdict(this_run()))
    if not is_the_lock:
        write_private(path, text, mode)
        return
    try:
        path.unlink(missing_ok=True)  # of a run that was killed
        with create_private(path, mode) as file:
            file.write(text)
    except FileExistsError as error:
        raise _refusal(state_path, _noted(state_path)) from error


def _prepared(state_path: Path, *, shared: bool) -> FileLock:
    """Return the lock; its folder is made private, unless it is shared."""
    path = _lock_path(state_path)
    require_plain(path)
    if not shared:
        private_folder(state_path.parent)
        narrow(path)
    mode = _SHARED_LOCK_MODE if shared else _PRIVATE_MODE
    return FileLock(path, mode=mode, fallback_to_soft=False)


def held(state_path: Path) -> Held | None:
    """Return the lock that blocks the next run; None when there is none."""
    state_path = real_path(state_path)
    holder = _noted(state_path)
    if _is_taken(state_path):
        return Held(holder, alive=holder is None or lives_here(holder))
    if holder and holder.host != socket.gethostname():
        return Held(holder, alive=False)
    return None


def free(state_path: Path) -> None:
    """Free the lock, whoever holds it."""
    state_path = real_path(state_path)
    # A process that has the old file open keeps that file's lock; the next run makes a new file.
    _lock_path(state_path).unlink(missing_ok=True)
    _holder_path(state_path).unlink(missing_ok=True)


def _refusal(state_path: Path, holder: Holder | None) -> Locked:
    return Locked(
        f"could not lock `{state_path}`: {Held(holder, alive=False)}",
        hint="wait for that run to end; if it is gone, free the lock with `batchctl unlock`",
    )


def _is_taken(state_path: Path) -> bool:
    path = _lock_path(state_path)
    require_plain(path)
    if not path.exists():
        return False
    lock = FileLock(path, fallback_to_soft=False)
    try:
        if not _acquired(lock, state_path):
            holder = _noted(state_path)
            return holder is not None and lives_here(holder)
    except Locked:
        return True
    lock.release()
    return False


def lives_here(holder: Holder) -> bool:
    """Whether the process of a holder is alive on this host."""
    if holder.host != socket.gethostname():
        return False
    try:
        os.kill(int(holder.pid), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:  # another user's
        return True
    return True


def _lock_path(state_path: Path) -> Path:
    return state_path.with_name(state_path.name + ".lock")


def _holder_path(state_path: Path) -> Path:
    return state_path.with_name(state_path.name + ".holder")


def this_run() -> Holder:
    """Return who this run is, as the next one is told."""
    return Holder(
        user=_user(),
        host=socket.gethostname(),
        pid=str(os.getpid()),
        command=" ".join(["batchctl", *sys.argv[1:]]),
        since=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _user() -> str:
    """Return the user's name, or the number of one without (`docker run --user 1234`)."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def _noted(state_path: Path) -> Holder | None:
    """Return the recorded holder of the lock; None when there is none, or its file is damaged."""
    path = _holder_path(state_path)
    require_plain(path)
    try:
        noted = json.loads(path.read_text(encoding="utf-8"))
        return Holder(**noted)
    except (OSError, ValueError, TypeError):
        return None
