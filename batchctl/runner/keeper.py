"""The keeper: a small process between supervisor and item, one for each item at a time.

It forks the process of an item, waits for it, ends it on request, ends whatever that has left
running, in whatever session, and reports how it ended. No code of the user's runs in it, though
it is forked from the template, which has loaded that.

From the supervisor: `{"item", "own", "number"}` with the ends of two pipes, for result and output;
`{"stop": number}`. To it: `{"keeper": pid}`, then for each item `{"ended": number, "status" (as
wait(2) has it), "peak_memory_mib", "seconds"}`.
"""

from __future__ import annotations

import contextlib
import os
import resource
import select
import shutil
import signal
import sys
import time
from dataclasses import dataclass
from typing import NoReturn

from batchctl.runner import kernel
from batchctl.runner.calling import Prepared
from batchctl.runner.channel import Channel, Message
from batchctl.runner.item_process import Order, fresh_command, replaced_by, run

GRACE_S = 2.0
"""Between SIGTERM and SIGKILL."""

# getrusage(2): kilobytes; on macOS bytes
PEAK_UNIT_BYTES = 1024 if kernel.IS_LINUX else 1


@dataclass(frozen=True)
class Kept:
    """What a keeper has from the template. `prepared` None: each item gets a fresh Python."""

    folder: str
    parameters: dict[str, object]
    hidden: dict[str, str]
    prepared: Prepared | None


class Keeper:
    """Does the items of one channel, one after the other."""

    def __init__(self, channel: Channel, kept: Kept) -> None:
        """Be ready; `serve` does it."""
        self._channel, self._kept = channel, kept
        self._wakeup = self._take_signals()
        self._tmpdir = new_tmpdir()

    def serve(self) -> NoReturn:
        """Do what the supervisor asks for until it is gone; end this process."""
        try:
            kernel.adopt_orphans()
            self._channel.send({"keeper": os.getpid()})
            while (message := self._channel.receive()) is not None:
                if "item" in message.content:
                    self._do(message)
        finally:
            kernel.kill_descendants()
            os._exit(0)

    def _do(self, message: Message) -> None:
        result, output = message.descriptors
        number = int(message.content["number"])
        item, own = str(message.content["item"]), dict(message.content["own"])
        order = Order(item, result, output, self._tmpdir, self._kept.hidden, own)
        began = time.monotonic()
        pid = self._fork(order)
        os.close(result)
        os.close(output)
        status, usage = self._wait(pid, number)
        seconds = time.monotonic() - began
        kernel.kill_descendants()
        self._tmpdir = emptied(self._tmpdir)
        self._channel.send(
            {
                "ended": number,
                "status": status,
                "peak_memory_mib": round(usage.ru_maxrss * PEAK_UNIT_BYTES / 2**20, 1),
                "seconds": seconds,
            }
        )

    def _fork(self, order: Order) -> int:
        prepared = self._kept.prepared
        pid = os.fork()
        if pid:
            return pid
        try:
            self._channel.close()
            for descriptor in self._wakeup:
                os.close(descriptor)
            if prepared is None:
                given = dict(self._kept.parameters)
                command, _ = fresh_command(order, self._kept.folder, given)
                replaced_by(command)
            run(lambda: prepared, order)
        finally:
            os._exit(1)

    def _wait(self, pid: int, number: int) -> tuple[int, resource.struct_rusage]:
        """Return how the item has ended; end it when asked to, or when nobody asks any more.

        Orphans of the item that end meanwhile are collected: an item that lasts for hours may have
        thousands, and each is a process until somebody has.
        """
        poll = select.poll()
        poll.register(self._wakeup[0], select.POLLIN)
        poll.register(self._channel, select.POLLIN)
        kill_at: float | None = None
        while (ended := collected(pid)) is None:
            kernel.collect_orphans(pid)
            left = None if kill_at is None else max(0.0, kill_at - time.monotonic()) * 1000
            ready = {descriptor for descriptor, _ in poll.poll(left)}
            if self._wakeup[0] in ready:
                os.read(self._wakeup[0], 4096)
            if self._channel.fileno() in ready and self._is_stopped(number):
                kill_at = kill_at or time.monotonic() + GRACE_S
                os.kill(pid, signal.SIGTERM)
            if self._channel.is_closed:
                poll.unregister(self._channel)
                os.kill(pid, signal.SIGKILL)
            elif kill_at is not None and time.monotonic() >= kill_at:
                os.kill(pid, signal.SIGKILL)
        return ended

    def _is_stopped(self, number: int) -> bool:
        return any(message.content.get("stop") == number for message in self._channel.available())

    @staticmethod
    def _take_signals() -> tuple[int, int]:
        """Have the end of a child wake `poll`."""
        reader, writer = os.pipe()
        for descriptor in (reader, writer):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        return reader, writer


def collected(pid: int) -> tuple[int, resource.struct_rusage] | None:
    """Return the status and the use of a child that has ended, all its group ended; else None.

    The group is ended while the child's number can't be another's; where Python has no waitid
    (macOS, before 3.13) right after it.
    """
    if kernel.HAS_WAITID:
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return None
        _kill_group(pid)
    found, status, usage = os.wait4(pid, os.WNOHANG)
    if not found:
        return None
    if not kernel.HAS_WAITID:
        _kill_group(pid)
    return status, usage


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def new_tmpdir() -> str | None:
    """Return a new folder for temporary files, in that of the task; None where none can be made."""
    path = os.path.join(os.environ.get("TMPDIR") or "/tmp", f"item-{os.getpid()}")  # noqa: PTH118, S108
    try:
        os.mkdir(path, 0o700)  # noqa: PTH102
    except OSError:
        return None
    return path


def emptied(path: str | None) -> str | None:
    """Return a folder without anything in it: this one, without what an item has left there."""
    if path is None:
        return None
    try:
        if not os.listdir(path):  # noqa: PTH208  # most items leave nothing
            return path
    except OSError:
        return new_tmpdir()
    shutil.rmtree(path, ignore_errors=True)
    return new_tmpdir()


def start(channel: Channel, kept: Kept) -> NoReturn:
    """Be a keeper, in a process that has just been forked for it."""
    try:
        Keeper(channel, kept).serve()
    finally:
        sys.stderr.flush()
        os._exit(1)
