"""What surrounds one attempt of a job: the account, its reports, the process groups watched."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from batchctl.local.batch.running.attempt_runner import inherited
from batchctl.local.batch.running.executor import Launcher, StartError, TaskFiles
from batchctl.local.batch.running.task import Outcome
from batchctl.local.pictures import Pictures
from batchctl.local.tasks.direct import DirectLauncher
from batchctl.local.tasks.folders import TaskFolders
from batchctl.local.tasks.keeping import ForkServer

TIMEOUT_S = 60.0


class RecordingAccount:
    """Keeps what is logged."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.streams: list[tuple[str, str]] = []
        self.missing_group = False

    def problem_with(self, environment: Mapping[str, Any]) -> str | None:
        return None

    def credentials(self, role_arn: str, session: str) -> Mapping[str, str]:
        return {"AWS_ACCESS_KEY_ID": role_arn, "AWS_SESSION_TOKEN": session}

    def create_log_stream(self, group: str, stream: str) -> None:
        if self.missing_group:
            raise StartError(f"CannotStartContainerError: no log group {group}")
        self.streams.append((group, stream))

    def put_log_events(self, group: str, stream: str, events: list[dict[str, Any]]) -> None:
        self.messages += [event["message"] for event in events]


class Ending:
    """Waits for the reports of one attempt."""

    def __init__(self) -> None:
        self.has_started, self.has_ended = threading.Event(), threading.Event()
        self.outcome = Outcome()

    def started(self, task_id: str) -> None:
        self.has_started.set()

    def ended(self, task_id: str, outcome: Outcome) -> None:
        self.outcome = outcome
        self.has_ended.set()

    def wait(self) -> Outcome:
        assert self.has_ended.wait(TIMEOUT_S)
        return self.outcome


class Groups:
    """Which process groups are watched."""

    def __init__(self) -> None:
        self.watched: list[int] = []
        self.forgotten: list[int] = []

    def watch(self, group: int) -> None:
        self.watched.append(group)

    def forget(self, group: int) -> None:
        self.forgotten.append(group)


def launcher(runner: Path, groups: Groups) -> Launcher:
    """Return what the cloud starts tasks with on this system; `runner` is made."""
    runner.mkdir(exist_ok=True)
    if sys.platform == "linux":
        return ForkServer(sys.executable, runner, inherited(), groups)
    return DirectLauncher(groups)


def close(launcher: Launcher) -> None:
    """End the process that a launcher may have."""
    if isinstance(launcher, ForkServer):
        launcher.close()


def files_in(directory: Path) -> TaskFiles:
    """Return where tasks run that work in copies of the folder `compute` in a directory."""
    temporary = directory / "cloud" / "temporary"
    temporary.mkdir(parents=True, exist_ok=True)
    folders = TaskFolders(directory / "cloud" / "tasks", temporary, directory / "runner")
    return TaskFiles(Pictures(directory / "cloud", directory / "compute"), folders)
