"""Starts, finds and stops the local cloud, without importing AWS or the emulator.

The cloud is a process of its own that outlives the command that started it. A directory has one at
most; whether it runs is read from the process's own command line, so that a reused process id
can't mislead.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING

from batchctl.errors import BatchctlError
from batchctl.image.container_engine import VARIABLES
from batchctl.local.control import ports, record, root_secret
from batchctl.local.control.ports import Ports
from batchctl.local.control.record import ACCESS_KEY_ID, CloudRecord
from batchctl.local.environment import launch
from batchctl.local.environment.choice import CloudPython, cloud_python
from batchctl.packaging import compute_directory
from batchctl.private_files import create_private, leads_elsewhere, require_plain, sealed_folder

if TYPE_CHECKING:
    from filelock import FileLock

__all__ = ["ACCESS_KEY_ID", "CloudRecord", "Settings", "start", "status", "stop"]

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0

_KEPT_VARIABLES = frozenset(
    {
        "LD_LIBRARY_PATH",
        "PYTHONHOME",
        "PATH",
        "HOME",
        "LANG",
        "TZ",
        "TMPDIR",
        "PYTHONPATH",
        "VIRTUAL_ENV",
        "BATCHCTL_LOCAL_LOG_LEVEL",
    }
)
_OF_AN_ENVIRONMENT = frozenset({"PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV"})
"""What would lead the cloud out of an environment of its own, to the user's packages."""

_LOG_TAIL_LINES = 12
_POLL_S = 0.05


def _ignore(_line: str) -> None:
    return None


@dataclass(frozen=True)
class Settings:
    """What to start the cloud with; the compute directory is the packaged one if none is given.

    `engine` is the command line of the container engine that runs tasks, such as
    `podman --runtime runc`; without one tasks are processes.
    """

    directory: Path
    gateway_port: int = 4566
    load_balancer_port: int = 9999
    compute_directory: Path | None = None
    region: str = "us-east-1"
    vcpus: int | None = None
    engine: str = ""


def start(settings: Settings, report: Callable[[str], None] = _ignore) -> CloudRecord:
    """Return the cloud that runs in the directory, started and ready to answer where none did.

    What it runs on is installed when it is missing; `report` gets a line of it. BatchctlError when
    the directory can't be the user's alone, a port is taken, it can't be installed, one runs with
    other settings, or it doesn't come up.
    """
    directory = sealed_folder(settings.directory)
    wanted = _wanted(settings, directory)
    with _lock(directory):
        running = status(directory)
        if running is not None:
            _require_same(running, wanted)
            return running
        ports.require_free(settings.gateway_port, "local.gateway_port")
        ports.require_free(settings.load_balancer_port, "local.api_port")
        ports.remember(directory, Ports(settings.gateway_port, settings.load_balancer_port))
        python = cloud_python(report)
        root_secret.create(directory)
        return _launch(directory, wanted | {"python": sys.executable}, python)


def status(directory: Path) -> CloudRecord | None:
    """Return the cloud that runs in `directory`, None when none does."""
    running = record.read(directory.resolve())
    return running if running is not None and _is_alive(running) else None


def stop(directory: Path) -> bool:
    """End the cloud of `directory` and all its processes; False when none ran."""
    # None was ever started where a link leads, and no lock may be made there.
    if not directory.is_dir() or leads_elsewhere(directory):
        return False
    directory = directory.resolve()
    with _lock(directory):
        running = status(directory)
        record.remove(directory)
        if running is not None:
            _end(running)
        root_secret.remove(directory)
        return running is not None


def _end(running: CloudRecord) -> None:
    os.kill(running.pid, signal.SIGTERM)
    if not _within(STOP_TIMEOUT_S, lambda: not _is_alive(running)):
        with suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
    # The reaper is the last to go: when it has, so has every job and function.
    reaper = running.reaper_pid
    if not _within(
        STOP_TIMEOUT_S, lambda: "batchctl.local.reaper" not in record.command_line(reaper)
    ):
        why = f"its reaper process {reaper} does not end"
        raise BatchctlError(f"could not stop the local cloud: {why}", f"`kill -9 {reaper}`")


def _launch(directory: Path, settings: dict[str, object], python: CloudPython) -> CloudRecord:
    log = directory / "cloud.log"
    command = launch.command("batchctl.local.cloud", json.dumps(settings), python=python.executable)
    log.unlink(missing_ok=True)
    with create_private(log) as output, Path(os.devnull).open("rb") as nothing:
        redirections = [
            (os.POSIX_SPAWN_DUP2, nothing.fileno(), 0),
            (os.POSIX_SPAWN_DUP2, output.fileno(), 1),
            (os.POSIX_SPAWN_DUP2, output.fileno(), 2),
        ]
        pid = os.posix_spawn(
            command[0],
            command,
            _environment(has_engine=bool(settings["engine"]), is_own=python.is_own),
            file_actions=redirections,
            setsid=True,
        )
    return _ready(pid, directory, log)


def _ready(pid: int, directory: Path, log: Path) -> CloudRecord:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if _is_reaped(pid):
            raise BatchctlError(f"could not start the local cloud:\n{_tail(log)}", f"see {log}")
        running = record.read(directory)
        if running is not None and running.pid == pid and _answers(running):
            return running
        time.sleep(_POLL_S)
    os.killpg(pid, signal.SIGKILL)
    why = f"not ready within {START_TIMEOUT_S:.0f} s"
    raise BatchctlError(f"could not start the local cloud: {why}\n{_tail(log)}", f"see {log}")


def _answers(running: CloudRecord) -> bool:
    connection = HTTPConnection("127.0.0.1", running.gateway_port, timeout=2)
    try:
        authorization = {"Authorization": f"Bearer {running.root[1]}"}
        connection.request("GET", "/_batchctl/status", headers=authorization)
        response = connection.getresponse()
        if response.status != HTTPStatus.OK:
            raise _another(running)
        answer = json.load(response)
        return bool(answer.get("pid") == running.pid and answer.get("is_ready"))
    except (OSError, HTTPException, ValueError):
        return False
    finally:
        connection.close()


def _another(running: CloudRecord) -> BatchctlError:
    # Whatever started, it isn't the cloud of this directory: that would know the secret.
    why = f"something else answers on port {running.gateway_port}"
    hint = "end that process, or set `local.gateway_port` in config.yaml to a free port"
    return BatchctlError(f"could not start the local cloud: {why}", hint)


def _is_alive(running: CloudRecord) -> bool:
    if _is_reaped(running.pid):
        return False
    line = record.command_line(running.pid)
    return "batchctl.local.cloud" in line and json.dumps(running.directory) in line


def _is_reaped(pid: int) -> bool:
    # Where the cloud is a child of this very process, its end has to be collected.
    try:
        return os.waitpid(pid, os.WNOHANG) != (0, 0)
    except ChildProcessError:
        return False


def _within(seconds: float, is_done: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not is_done():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True


def _require_same(running: CloudRecord, wanted: dict[str, object]) -> None:
    actual = running.as_json()
    different = [
        f"{name} is {actual[name] or 'none'}, wanted {value or 'none'}"
        for name, value in wanted.items()
        if actual[name] != value
    ]
    if different:
        why = "it runs with other settings"
        raise BatchctlError(
            f"could not start the local cloud: {why} ({'; '.join(different)})",
            "end the one that runs, and all that is in it: `batchctl local stop`",
        )


def _wanted(settings: Settings, directory: Path) -> dict[str, object]:
    return {
        "directory": str(directory),
        "gateway_port": settings.gateway_port,
        "load_balancer_port": settings.load_balancer_port,
        "compute_directory": str((settings.compute_directory or compute_directory()).resolve()),
        "region": settings.region,
        "vcpus": settings.vcpus or os.cpu_count() or 1,
        "engine": settings.engine,
    }


def _environment(*, has_engine: bool, is_own: bool) -> dict[str, str]:
    # Functions inherit it: nothing of the user's AWS configuration, no secret of theirs. What a
    # container engine's client needs ends with the cloud's own start.
    kept = _KEPT_VARIABLES | (VARIABLES if has_engine else frozenset())
    if is_own:
        kept -= _OF_AN_ENVIRONMENT
    return {
        name: value for name, value in os.environ.items() if name in kept or name.startswith("LC_")
    }


def _lock(directory: Path) -> FileLock:
    from filelock import FileLock  # noqa: PLC0415 - who only asks whether it runs locks nothing

    path = directory / "cloud.lock"
    require_plain(path)
    return FileLock(path, timeout=START_TIMEOUT_S + STOP_TIMEOUT_S, mode=0o600)


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:])
