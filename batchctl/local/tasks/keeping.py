"""Starts tasks under keepers, by way of the fork server: Linux's way of running them."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO

from batchctl.local.environment import launch
from batchctl.local.reaper import Watcher
from batchctl.local.tasks.keeper import Order, Report
from batchctl.packaging import RUNNER_COMMAND

_MAX_REPORT = 4096
_NO_REPORT = "its keeper process was killed"
_DYING_S = 1.0
"""How long a process takes, at most, from losing what it has open to its end."""


class LaunchError(Exception):
    """A command that could not be started: why."""


class _UnheardOfError(LaunchError):
    """Nobody has said what became of an order."""


class ForkServer:
    """The fork server as the cloud has it: started once, and again should it be gone."""

    def __init__(
        self, python: str, runner: Path, variables: Mapping[str, str], watcher: Watcher
    ) -> None:
        """Start it with the interpreter of the tasks, and the environment that all of them have.

        `runner` is the runner's folder. `watcher` ends server and tasks when this process is gone.
        """
        self._command = launch.command(
            "batchctl.local.tasks.fork_server", str(runner), python=python
        )
        self._runner_command = [python, *RUNNER_COMMAND[1:]]
        self._variables, self._watcher = dict(variables), watcher
        self._lock = threading.Lock()
        self._start_server()

    def launch(self, command: list[str], folder: Path, environment: Mapping[str, str]) -> KeptTask:
        """Start a command in a folder; LaunchError says why it couldn't be."""
        is_runner = command[: len(self._runner_command)] == self._runner_command
        order = Order(command, str(folder), dict(environment), is_runner)
        server = self._server
        try:
            return self._launch(order)
        except _UnheardOfError:
            # A server that is being killed takes orders up to the end.
            if not _ends_now(server):
                raise
        return self._launch(order)

    def _launch(self, order: Order) -> KeptTask:
        reader, writer = os.pipe()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._send(json.dumps(asdict(order)).encode(), [writer, theirs.fileno()])
        except OSError as error:
            os.close(reader)
            ours.close()
            raise LaunchError(f"the fork server doesn't take it: {error.strerror}") from error
        finally:
            os.close(writer)
            theirs.close()
        return _started(ours, reader, self._watcher)

    def close(self) -> None:
        """End the server; what it started goes on."""
        self._orders.close()
        self._server.wait()
        self._watcher.forget(self._server.pid)

    def _send(self, message: bytes, descriptors: list[int]) -> None:
        with self._lock:
            try:
                socket.send_fds(self._orders, [message], descriptors)
            except (BrokenPipeError, ConnectionResetError):
                self.close()
                self._start_server()
                socket.send_fds(self._orders, [message], descriptors)

    def _start_server(self) -> None:
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._server = subprocess.Popen(  # noqa: S603 - a module of ours, the tasks' Python
                self._command, stdin=theirs.fileno(), env=self._variables, start_new_session=True
            )
        self._watcher.watch(self._server.pid)


class KeptTask:
    """A task that a keeper has started."""

    def __init__(
        self, control: socket.socket, output: IO[bytes], started: Report, watcher: Watcher
    ) -> None:
        """Take over what a keeper has reported as started."""
        self._control, self.output, self._watcher = control, output, watcher
        self.keeper, self._task = started.keeper or 0, started.task or 0
        self._watcher.watch(self._task)

    @property
    def root(self) -> int:
        """The process that has all of the task below it, and isn't of it."""
        return self.keeper

    def has_ended(self) -> bool:
        """Return whether all of it is gone."""
        return bool(select.select([self._control], [], [], 0)[0])

    def wait(self) -> int:
        """Wait until all of it is gone; return the exit code, 137 when its keeper was killed."""
        report = _report(self._control)
        self._control.close()
        self._watcher.forget(self._task)
        return KILLED if report.exit_code is None else report.exit_code

    def send_signal(self, number: int) -> None:
        """Send a signal to the command itself, or SIGKILL to all of it; quiet when it is gone."""
        with suppress(OSError):
            self._control.send(str(int(number)).encode())


KILLED = 137
"""The exit code of what SIGKILL has ended."""


def _started(control: socket.socket, output: int, watcher: Watcher) -> KeptTask:
    report = _report(control)
    if report.task is None:
        control.close()
        os.close(output)
        raise LaunchError(report.problem) if report.problem else _UnheardOfError(_NO_REPORT)
    return KeptTask(control, os.fdopen(output, "rb"), report, watcher)


def _ends_now(server: subprocess.Popen[bytes]) -> bool:
    try:
        server.wait(_DYING_S)
    except subprocess.TimeoutExpired:
        return False
    return True


def _report(control: socket.socket) -> Report:
    try:
        message = control.recv(_MAX_REPORT)
    except OSError:
        message = b""
    return Report.parse(message) if message else Report()
