"""What a measured process finds around it: an environment of its own, ports that are free."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from socket import socket

BATCHCTL = [sys.executable, "-c", "from batchctl.cli import main; main()"]
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
}


def environment() -> dict[str, str]:
    """Return ours without what would lead to another account or through a proxy."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith("AWS_") and not key.lower().endswith("_proxy")
    }
    return {**kept, **CREDENTIALS}


def free_port() -> int:
    """Return a port of loopback on which nothing listens now."""
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def run(folder: Path, *arguments: str) -> str:
    """Run batchctl in a folder and return what it prints."""
    ended = subprocess.run(
        [*BATCHCTL, *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        check=False,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout
