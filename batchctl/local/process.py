"""Starts, finds and stops the local cloud, without importing AWS or the emulator.

The cloud is a process of its own that outlives the command that started it. A directory has one at
most; whether it runs is told by the process's own command line, so that a reused process id can't
mislead.
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
from importlib.util import find_spec
from pathlib import Path

from filelock import FileLock

from batchctl.errors import BatchctlError
from batchctl.local import container_engine, ports, record, root_secret
from batchctl.local.record import ACCESS_KEY_ID, Running
from batchctl.packaging import compute_directory
from batchctl.private_files import create_private, leads_elsewhere, sealed_folder

__all__ = ["ACCESS_KEY_ID", "Running", "Settings", "start", "status", "stop"]

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
_LOG_TAIL_LINES = 12
_POLL_S = 0.05


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


def start(settings: Settings) -> Running:
    """Return the cloud that runs in the directory, started and ready to answer where none did.

    BatchctlError when the directory can't be the user's alone, a port is taken, MiniStack is
    missing, one runs with other settings, or it doesn't come up.
    """
    directory = sealed_folder(settings.directory)
    wanted = _wanted(settings, directory)
    with _lock(directory):
        running = status(directory)
        if running is not None:
            _require_same(running, wanted)
            return running
        if find_spec("ministack") is None:
            hint = "install it: `pip install 'batchctl[local]'`"
            raise BatchctlError("could not start the local cloud: MiniStack is not installed", hint)
        ports.require_free(settings.gateway_port, "local.gateway_port")
        ports.require_free(settings.load_balancer_port, "api.port")
        root_secret.create(directory)
        return _launch(directory, wanted)


def status(directory: Path) -> Running | None:
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


def _end(running: Running) -> None:
    os.kill(running.pid, signal.SIGTERM)
    if not _within(STOP_TIMEOUT_S, lambda: not _is_alive(running)):
        with suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
    # The guard is the last to go: when it has, so has every job and function.
    guard = running.guard_pid
    if not _within(
        STOP_TIMEOUT_S, lambda: "batchctl.local.guard" not in record.command_line(guard)
    ):
        why = f"its guard process {guard} does not end"
        raise BatchctlError(f"could not stop the local cloud: {why}", f"`kill -9 {guard}`")


def _launch(directory: Path, wanted: dict[str, object]) -> Running:
    log = directory / "cloud.log"
    # `-P`: a file in the user's folder must not stand in for a module of ours.
    command = [sys.executable, "-P", "-m", "batchctl.local.cloud", json.dumps(wanted)]
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
            _environment(has_engine=bool(wanted["engine"])),
            file_actions=redirections,
            setsid=True,
        )
    return _ready(pid, directory, log)


def _ready(pid: int, directory: Path, log: Path) -> Running:
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


def _answers(running: Running) -> bool:
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


def _another(running: Running) -> BatchctlError:
    # Whatever started, it isn't the cloud of this directory: that would know the secret.
    why = f"something else answers on port {running.gateway_port}"
    hint = "end that process, or set `local.gateway_port` in config.yaml to a free port"
    return BatchctlError(f"could not start the local cloud: {why}", hint)


def _is_alive(running: Running) -> bool:
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


def _require_same(running: Running, wanted: dict[str, object]) -> None:
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


def _environment(*, has_engine: bool) -> dict[str, str]:
    # Functions inherit it: nothing of the user's AWS configuration, no secret of theirs. What a
    # container engine's client needs ends with the cloud's own start.
    kept = _KEPT_VARIABLES | (container_engine.VARIABLES if has_engine else frozenset())
    return {
        name: value for name, value in os.environ.items() if name in kept or name.startswith("LC_")
    }


def _lock(directory: Path) -> FileLock:
    return FileLock(directory / "cloud.lock", timeout=START_TIMEOUT_S + STOP_TIMEOUT_S, mode=0o600)


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:])
