"""Starts tasks without a keeper, where there is no Linux: each leads a process group of its own.

What a task starts in a group or session of its own outlives it here, and its memory isn't limited:
nothing tells of either.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

from batchctl.local.reaper import Watcher
from batchctl.local.tasks.keeping import LaunchError


class DirectLauncher:
    """Starts commands as children of this process."""

    def __init__(self, watcher: Watcher) -> None:
        """`watcher` ends them when this process is gone."""
        self._watcher = watcher

    def launch(
        self, command: list[str], folder: Path, environment: Mapping[str, str]
    ) -> DirectTask:
        """Start a command in a folder; LaunchError says why it couldn't be."""
        try:
            child = subprocess.Popen(  # noqa: S603 - the job's own command is what there is to run
                command,
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise LaunchError(str(error.strerror)) from error
        return DirectTask(child, self._watcher)


class DirectTask:
    """A task that leads a process group."""

    root = None

    def __init__(self, child: subprocess.Popen[bytes], watcher: Watcher) -> None:
        """Take over a child that was just started."""
        self._child, self._watcher = child, watcher
        if child.stdout is None:
            raise LaunchError("the process has no output pipe")
        self.output: IO[bytes] = child.stdout
        watcher.watch(child.pid)

    def has_ended(self) -> bool:
        """Return whether the command has exited; what it started may still hold `output`."""
        return self._child.poll() is not None

    def wait(self) -> int:
        """Wait for its end, and end what is left of its group; return the exit code."""
        code = self._child.wait()
        self.send_signal(signal.SIGKILL)
        self._watcher.forget(self._child.pid)
        return code if code >= 0 else 128 - code

    def send_signal(self, number: int) -> None:
        """Send a signal to the group; quiet when it is gone."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, number)
