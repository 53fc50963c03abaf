"""Whether a port of this machine is free, and who has it when it isn't."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from batchctl.errors import BatchctlError

_LISTEN = "0A"
"""proc(5), /proc/net/tcp: the state of a listening socket."""


def require_free(port: int, setting: str) -> None:
    """Raise BatchctlError, which names the `setting` to change, unless the port is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise _taken(port, setting, error) from error


def _taken(port: int, setting: str, error: OSError) -> BatchctlError:
    why = error.strerror or str(error)
    if error.errno == errno.EADDRINUSE:
        why = f"{holder(port) or 'another process'} has it"
    hint = f"end that process, or set `{setting}` in config.yaml to a free port"
    return BatchctlError(f"could not listen on port {port}: {why}", hint)


def holder(port: int) -> str | None:
    """Return the process that listens on a port (`name, pid N`), None where that can't be known."""
    inodes = set(_listening_inodes(port))
    with suppress(OSError):
        for process in Path("/proc").iterdir():
            if process.name.isdecimal() and inodes & set(_socket_inodes(process)):
                name = (process / "comm").read_text(encoding="utf-8").strip()
                return f"`{name}`, pid {process.name},"
    return None


def _listening_inodes(port: int) -> Iterator[str]:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            for line in Path(table).read_text(encoding="ascii").splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                    yield fields[9]


def _socket_inodes(process: Path) -> Iterator[str]:
    with suppress(OSError):  # another user's process, or one that has just ended
        for descriptor in (process / "fd").iterdir():
            with suppress(OSError):
                target = str(descriptor.readlink())
                if target.startswith("socket:["):
                    yield target[len("socket:[") : -1]
