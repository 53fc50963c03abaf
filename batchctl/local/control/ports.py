"""The ports of a local cloud: which are free, which a folder had last, and who has one."""

from __future__ import annotations

import errno
import json
import re
import socket
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path

from batchctl.errors import BatchctlError
from batchctl.local.control import record
from batchctl.private_files import write_private

_LISTEN = "0A"
"""proc(5), /proc/net/tcp: the state of a listening socket."""


_KEPT = "ports.json"
_HIGHEST = 65535
_DIRECTORY = re.compile(r'"directory": ("(?:[^"\\]|\\.)*")')


@dataclass(frozen=True)
class Ports:
    """Where a local cloud answers: as AWS, and as the load balancer."""

    gateway: int
    load_balancer: int


def remembered(directory: Path) -> Ports | None:
    """Return the ports that the cloud of a directory had last; None when nothing says."""
    try:
        kept = json.loads((directory / _KEPT).read_text(encoding="utf-8"))
        return Ports(int(kept["gateway"]), int(kept["load_balancer"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def remember(directory: Path, ports: Ports) -> None:
    """Keep the ports of the cloud of a directory, for the next one in it."""
    write_private(directory / _KEPT, json.dumps(asdict(ports)))


def first_free(wanted: tuple[int, ...], *, not_one_of: Collection[int]) -> int:
    """Return the first of the `wanted` ports that is free, else the next one above the last.

    When none is free the last of them, so that whoever starts the cloud says who has it.
    """
    last = wanted[-1]
    for port in chain(wanted, range(last + 1, _HIGHEST + 1)):
        if port not in not_one_of and _why_not(port) is None:
            return port
    return last


def require_free(port: int, setting: str) -> None:
    """Raise BatchctlError, which names the `setting` to change, unless the port is free."""
    if error := _why_not(port):
        raise _taken(port, setting, error) from error


def _why_not(port: int) -> OSError | None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return error
    return None


def _taken(port: int, setting: str, error: OSError) -> BatchctlError:
    why = error.strerror or str(error)
    if error.errno == errno.EADDRINUSE:
        cloud = cloud_on(port)
        ours = f"the local cloud of `{cloud.parent.parent}`" if cloud else None
        why = f"{ours or holder(port) or 'another process'} has it"
    hint = f"end that process, or set `{setting}` in config.yaml to a free port"
    return BatchctlError(f"could not listen on port {port}: {why}", hint)


def holder(port: int) -> str | None:
    """Return the process that listens on a port (`name, pid N`), None where that can't be known."""
    with suppress(OSError):
        for process in _processes_on(port):
            name = (process / "comm").read_text(encoding="utf-8").strip()
            return f"`{name}`, pid {process.name},"
    return None


def cloud_on(port: int) -> Path | None:
    """Return the directory of the user's local cloud that listens on a port; None without one."""
    with suppress(OSError, ValueError):
        for process in _processes_on(port):
            line = record.command_line(int(process.name))
            if "batchctl.local.cloud" in line and (found := _DIRECTORY.search(line)):
                return Path(json.loads(found[1]))
    return None


def _processes_on(port: int) -> Iterator[Path]:
    """Give the folders in /proc of the processes that have a socket which listens on the port."""
    inodes = set(_listening_inodes(port))
    for process in Path("/proc").iterdir():
        if process.name.isdecimal() and inodes & set(_socket_inodes(process)):
            yield process


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
