"""What runs a job's command: here as processes of this machine.

An executor starts the command and gives back the process; the environment comes complete from the
caller. A task runs in folders of its own, held to its memory, and what it leaves behind when it
ends is killed, as a container's end would. `container_executor` has the other executor.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from batchctl.contract.environment import Container
from batchctl.local.batch.running.memory import OUT_OF_MEMORY, MemoryWatch, write_events
from batchctl.local.batch.running.task import Outcome, Task
from batchctl.local.pictures import Pictures
from batchctl.local.tasks.folders import TaskFolder, TaskFolders
from batchctl.local.tasks.keeping import LaunchError
from batchctl.packaging import RUNNER_COMMAND


class StartError(Exception):
    """The command could not be started; the text becomes the container's reason."""


class Process(Protocol):
    """A started command."""

    @property
    def output(self) -> IO[bytes]:
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


class Launched(Protocol):
    """A command that a launcher has started."""

    output: IO[bytes]

    @property
    def root(self) -> int | None:
        """The process that has all of the task below it; None where nobody looks after that."""

    def has_ended(self) -> bool:
        """Return whether it has exited."""

    def wait(self) -> int:
        """Wait for its end; return the exit code."""

    def send_signal(self, number: int) -> None:
        """Send a signal; quiet when it is gone."""


class Launcher(Protocol):
    """A way of starting a command on this machine."""

    def launch(self, command: list[str], folder: Path, environment: Mapping[str, str]) -> Launched:
        """Start a command in a folder; LaunchError says why it couldn't be."""


@dataclass(frozen=True)
class TaskFiles:
    """What tasks run from, and in."""

    pictures: Pictures
    folders: TaskFolders


class ProcessExecutor:
    """Runs commands as processes, held to their memory; the image is only asked after."""

    def __init__(
        self,
        launcher: Launcher,
        files: TaskFiles,
        image_problem: Callable[[str], str | None] = lambda _image: None,
        python: Callable[[], str] = lambda: sys.executable,
    ) -> None:
        """Run everything by `launcher`, in folders of its own.

        `image_problem` says why an image can't be pulled, and None for one that can, or that isn't
        known here. `python` returns the interpreter that commands call `python` or `python3`.
        """
        self._launcher, self._files = launcher, files
        self._image_problem, self._memory = image_problem, MemoryWatch()
        self._python = python

    def start(self, task: Task, environment: Mapping[str, str]) -> Process:
        """Start the command in the user's own Python environment.

        Without a command it is the runner: the image's own can't be known here.
        """
        folder = self._folder(task)
        own = {"TMPDIR": str(folder.temporary), Container.MEMORY_EVENTS: str(folder.memory_events)}
        command = list(task.command or RUNNER_COMMAND)
        try:
            launched = self._launcher.launch(
                self._named(command), folder.work, {**environment, **own}
            )
        except LaunchError as error:
            self._files.folders.remove(folder)
            reason = f"CannotStartContainerError: could not run `{command[0]}`: {error}"
            raise StartError(reason) from error
        if launched.root is not None:
            self._memory.watch(launched.root, task.memory_mib, folder.memory_events)
        return _LocalProcess(launched, folder, self._files.folders, self._memory)

    def _folder(self, task: Task) -> TaskFolder:
        problem = self._image_problem(task.image)
        if problem is not None:
            raise StartError(f"CannotPullContainerError: {problem}")
        try:
            folder = self._files.folders.make(task.id, self._files.pictures.of(task.image))
            write_events(folder.memory_events, 0)
        except LookupError as error:
            raise StartError(f"CannotPullContainerError: {error.args[0]}") from error
        except OSError as error:
            raise StartError(f"CannotCreateContainerError: {error}") from error
        return folder

    def _named(self, command: list[str]) -> list[str]:
        program, *arguments = command
        return [self._python() if program in {"python", "python3"} else program, *arguments]


@dataclass(frozen=True)
class _LocalProcess:
    launched: Launched
    folder: TaskFolder
    folders: TaskFolders
    memory: MemoryWatch

    @property
    def output(self) -> IO[bytes]:
        return self.launched.output

    def has_ended(self) -> bool:
        return self.launched.has_ended()

    def wait(self) -> Outcome:
        code, root = self.launched.wait(), self.launched.root
        was_killed = root is not None and self.memory.forget(root)
        self.folders.remove(self.folder)
        return Outcome(exit_code=code, reason=OUT_OF_MEMORY if was_killed else None)

    def send_signal(self, number: int) -> None:
        self.launched.send_signal(number)
