"""The record of a running local cloud: its settings and process, as JSON in its directory."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from batchctl.local.control import root_secret
from batchctl.private_files import write_private

ACCESS_KEY_ID = "000000000000"
"""The local account's number, and the access key id of its root."""

_FILE = "cloud.json"


@dataclass(frozen=True)
class CloudRecord:
    """A local cloud that runs: its process, where it answers, and what it was started with."""

    pid: int
    reaper_pid: int
    started_at: float
    directory: str
    gateway_port: int
    load_balancer_port: int
    compute_directory: str
    region: str
    vcpus: int
    engine: str = ""
    """The container engine that runs tasks, as a command line; empty: tasks are processes."""

    python: str = ""
    """The interpreter that tasks call `python`, with the user's packages; empty: the cloud's."""

    @property
    def endpoint_url(self) -> str:
        """Where AWS answers."""
        return f"http://127.0.0.1:{self.gateway_port}"

    @property
    def load_balancer_url(self) -> str:
        """Where the application's load balancer answers, once there is one."""
        return f"http://127.0.0.1:{self.load_balancer_port}"

    @property
    def root(self) -> tuple[str, str]:
        """The access key id and the secret of root; BatchctlError unless they are the user's."""
        return ACCESS_KEY_ID, root_secret.read(Path(self.directory))

    def as_json(self) -> dict[str, Any]:
        """Return the fields as JSON has them."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> CloudRecord:
        """Read what `as_json` wrote; TypeError for anything else."""
        return cls(**fields)


def write(running: CloudRecord) -> None:
    """Keep what runs in its directory, whole or not at all."""
    write_private(Path(running.directory) / _FILE, json.dumps(running.as_json()))


def read(directory: Path) -> CloudRecord | None:
    """Return what was kept last, which may have ended; None when nothing readable is there."""
    try:
        return CloudRecord.from_json(json.loads((directory / _FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def remove(directory: Path) -> None:
    """Forget what ran; quiet when nothing was kept."""
    (directory / _FILE).unlink(missing_ok=True)


def command_line(pid: int) -> str:
    """Return the command line of a process of ours, empty when there is none or it has ended.

    Another user's is none: whoever starts a program chooses what its command line says.
    """
    try:
        if Path(f"/proc/{pid}").stat().st_uid != os.geteuid():
            return ""
        return (
            Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        )
    except FileNotFoundError:
        return "" if Path("/proc/self").exists() else _command_line_by_ps(pid)
    except OSError:
        return ""


def _command_line_by_ps(pid: int) -> str:
    # Where there is no /proc (macOS) there is a ps.
    found = subprocess.run(  # noqa: S603 - a fixed program with a number
        ["/bin/ps", "-o", "uid=,args=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    uid, _, line = found.stdout.strip().partition(" ")
    return line.strip() if uid == str(os.geteuid()) else ""
