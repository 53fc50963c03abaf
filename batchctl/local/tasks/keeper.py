"""The keeper of one task: its parent, and in the end the parent of all that the task has started.

A container's end is the end of all its processes. So is a task's here: its keeper adopts what is
orphaned below it (Linux's child subreaper), sessions of their own included, and kills everything
that is left when the task's own process ends, when it is asked to, or when the cloud is gone.

It talks with the cloud over a socket that keeps messages apart. To the cloud: one Report as JSON
when the task has started or couldn't, and one when all of it has ended. From the cloud: the number
of a signal; SIGKILL goes to everything, any other to the task's own process, as a container
engine does it.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import FrameType
from typing import NoReturn

from batchctl.local.tasks import descendants

PATIENCE_S = 5.0
"""How long is waited for what was killed: a process of another user can't be."""

_PAUSE_MS = 2
_FIRST_FREE = 3
"""The first file descriptor after stdin, stdout and stderr."""


@dataclass(frozen=True)
class Order:
    """A task that is to be started; `in_process` when the fork server itself can be its Python."""

    command: list[str]
    folder: str
    environment: dict[str, str]
    in_process: bool = False


@dataclass(frozen=True)
class Report:
    """What a keeper says: who it and its task are, or why none started, or how the task ended."""

    keeper: int | None = None
    task: int | None = None
    problem: str | None = None
    exit_code: int | None = None

    def send(self, control: socket.socket) -> None:
        """Send it; quiet when the cloud is gone."""
        try:
            control.send(json.dumps(asdict(self)).encode())
        except OSError:
            return

    @classmethod
    def parse(cls, message: bytes) -> Report:
        """Read a message."""
        return cls(**json.loads(message))


class Keeper:
    """Keeps one task, in a process of its own that never returns."""

    def __init__(self, order: Order, output: int, control: socket.socket) -> None:
        """`output` is what the task's stdout and stderr go to."""
        self._order, self._output, self._control = order, output, control
        self._exit_code: int | None = None

    def keep(self) -> None:
        """Start the task, wait for its end and exit; returns in the task's process alone.

        That is where the order says `in_process`: whoever called is then the task.
        """
        os.setsid()
        descendants.adopt_orphans()
        awake, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, _nothing)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        failed, failing = os.pipe2(os.O_CLOEXEC)
        task = os.fork()
        if task == 0:
            signal.set_wakeup_fd(-1)
            self._control.detach()  # is closed with all other descriptors
            _become(self._order, self._output, failing)
            return
        os.close(self._output)
        os.close(failing)
        try:
            self._follow(task, failed, awake)
        except BaseException as error:  # noqa: BLE001 - whatever happens, nothing may be left
            sys.stderr.write(f"keeper of task {task}: {error!r}\n")
        self._end_all()
        os._exit(0)

    def _follow(self, task: int, failed: int, awake: int) -> None:
        with os.fdopen(failed, encoding="utf-8") as file:
            problem = file.read()
        if problem:
            Report(problem=problem).send(self._control)
            return
        Report(keeper=os.getpid(), task=task).send(self._control)
        self._watch(task, awake)
        self._end_all()
        Report(exit_code=self._exit_code).send(self._control)

    def _watch(self, task: int, awake: int) -> None:
        poll = select.poll()
        poll.register(awake, select.POLLIN)
        poll.register(self._control, select.POLLIN)
        while not self._reap(task):
            ready = {descriptor for descriptor, _ in poll.poll()}
            if awake in ready:
                os.read(awake, 4096)
            if self._control.fileno() in ready:
                self._obey(self._control.recv(16), task)

    def _obey(self, message: bytes, task: int) -> None:
        # No message: the cloud is gone.
        number = int(message) if message else signal.SIGKILL
        if number == signal.SIGKILL:
            descendants.kill_all(descendants.descendants(os.getpid()))
        elif self._exit_code is None:
            os.kill(task, number)  # not collected yet, so the number is its own

    def _reap(self, task: int) -> bool:
        """Collect what has ended; return whether the task has."""
        try:
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == task:
                    self._exit_code = exit_code(ended[1])
        except ChildProcessError:
            return True
        return self._exit_code is not None

    def _end_all(self) -> None:
        poll = select.poll()  # of nothing: a pause
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            descendants.kill_all(descendants.descendants(os.getpid()))
            try:
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            except ChildProcessError:
                return
            poll.poll(_PAUSE_MS)


def exit_code(status: int) -> int:
    """Return how a process ended as a shell counts: 128 + N after a signal N."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _become(order: Order, output: int, failing: int) -> None:
    """Turn this process into the task; returns where the order is `in_process`."""
    try:
        os.setsid()
        descendants.die_with_parent()
        _restore_signals()
        nothing = os.open(os.devnull, os.O_RDONLY)
        for target, source in enumerate((nothing, output, output)):
            os.dup2(source, target)
        os.chdir(order.folder)
        if not order.in_process:
            _execute(order, failing)
        _replace_environment(order.environment)
    except BaseException as error:  # noqa: BLE001 - nothing may go on in this process
        _fail(error, failing)
    os.closerange(_FIRST_FREE, os.sysconf("SC_OPEN_MAX"))


def _execute(order: Order, failing: int) -> NoReturn:
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    os.closerange(_FIRST_FREE, failing)
    os.closerange(failing + 1, os.sysconf("SC_OPEN_MAX"))
    os.execvpe(order.command[0], order.command, order.environment)  # noqa: S606 - the job's command


def _fail(error: BaseException, failing: int) -> NoReturn:
    text = (error.strerror if isinstance(error, OSError) else None) or str(error) or repr(error)
    os.write(failing, text.encode())
    os._exit(127)


def _restore_signals() -> None:
    """Give the signals back what Python gives them at its start."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _replace_environment(environment: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """Take a signal, so that it wakes whoever polls."""
