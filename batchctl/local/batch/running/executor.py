"""What runs a job's command: here as a process of this machine, in the compute directory.

An executor starts the command and gives back the process; the environment comes complete from the
caller. A process is the leader of its own group, and what it leaves behind when it ends is killed,
as a container's end would. `container_executor` has the other executor.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Protocol

from batchctl.local.batch.running.memory import OUT_OF_MEMORY, MemoryWatch
from batchctl.local.batch.running.task import Outcome, Task
from batchctl.local.reaper import Watcher
from batchctl.packaging import RUNNER_COMMAND, RUNNER_FOLDER


class StartError(Exception):
    """The command could not be started; the text becomes the container's reason."""


class Process(Protocol):
    """A started command."""

    output: IO[bytes]
    """What it writes to stdout and stderr, in the order in which it writes it."""

    def has_ended(self) -> bool:
        """Return whether the command has exited; what it started may still hold `output`."""

    def wait(self) -> Outcome:
        """Wait for its end; the exit code is 128 + N after a signal N, as a shell counts."""

    def send_signal(self, number: int) -> None:
        """Send a signal to the command and all that it started; quiet when they are gone."""


class Executor(Protocol):
    """A way of running a command."""

    def start(self, task: Task, environment: Mapping[str, str]) -> Process:
        """Start the command of `task`; StartError with the reason when that fails."""


class ProcessExecutor:
    """Runs commands as child processes, held to their memory; the image is only asked after."""

    def __init__(
        self,
        directory: Path,
        runner: Path,
        watcher: Watcher,
        image_problem: Callable[[str], str | None] = lambda _image: None,
        python: Callable[[], str] = lambda: sys.executable,
    ) -> None:
        """Run everything in `directory`; `watcher` ends what runs when this process is killed.

        `runner` is the folder that stands for the one which an image has. `image_problem` says why
        an image can't be pulled, and None for one that can, or that isn't known here. `python`
        returns the interpreter that commands call `python` or `python3`.
        """
        self._directory, self._runner, self._watcher = directory, runner, watcher
        self._image_problem, self._memory = image_problem, MemoryWatch()
        self._python = python

    def start(self, task: Task, environment: Mapping[str, str]) -> Process:
        """Start the command in the user's own Python environment.

        Without a command it is the runner: the image's own can't be known here.
        """
        problem = self._image_problem(task.image)
        if problem is not None:
            raise StartError(f"CannotPullContainerError: {problem}")
        command = self._command(task)
        try:
            child = subprocess.Popen(  # noqa: S603 - the job's own command is what there is to run
                command,
                cwd=self._directory,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            reason = f"CannotStartContainerError: could not run `{command[0]}`: {error.strerror}"
            raise StartError(reason) from error
        self._watcher.watch(child.pid)
        self._memory.watch(child.pid, task.memory_mib)
        return _ChildProcess(child, self._watcher, self._memory)

    def _command(self, task: Task) -> list[str]:
        program, *arguments = task.command or RUNNER_COMMAND
        return [
            self._python() if program in {"python", "python3"} else program,
            *(str(self._runner) if each == RUNNER_FOLDER else each for each in arguments),
        ]


class _ChildProcess:
    def __init__(
        self, child: subprocess.Popen[bytes], watcher: Watcher, memory: MemoryWatch
    ) -> None:
        self._child, self._watcher, self._memory = child, watcher, memory
        if child.stdout is None:
            raise StartError("CannotStartContainerError: the process has no output pipe")
        self.output: IO[bytes] = child.stdout

    def has_ended(self) -> bool:
        return self._child.poll() is not None

    def wait(self) -> Outcome:
        code = self._child.wait()
        self.send_signal(signal.SIGKILL)
        self._watcher.forget(self._child.pid)
        reason = OUT_OF_MEMORY if self._memory.forget(self._child.pid) else None
        return Outcome(exit_code=code if code >= 0 else 128 - code, reason=reason)

    def send_signal(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, number)
