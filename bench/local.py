"""How long the local cloud takes: start, `up`, a job of 7 items, a no-op `up`, `down`, stop.

Real processes of the command line, in a folder of their own, on ports that are free. Prints a
table and, as the last line, the same as JSON. See docs/benchmarks.md.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from surroundings import environment, free_port

BATCHCTL = [sys.executable, "-c", "from batchctl.cli import main; main()"]
UNIVERSE = "AAPL,AMZN,GOOG,IBM,MSFT,000002.XSHE,000004.XSHE"
COMMANDS = {
    "local start": ("local", "start"),
    "first up": ("--local", "up", "--yes"),
    "no-op up": ("--local", "up", "--yes"),
    "job of 7 items": ("--local", "submit", "--job-id", "j", "--universe", UNIVERSE, "--wait"),
    "second job": ("--local", "submit", "--job-id", "k", "--universe", UNIVERSE, "--wait"),
    "down": ("--local", "down", "--yes", "--delete-data"),
    "local stop": ("local", "stop"),
}


def measure_all(folder: Path) -> Iterator[tuple[str, float]]:
    """Yield each command's name and its seconds; the local cloud ends with the last one."""
    ports = f"api: {{port: {free_port()}}}\nlocal: {{gateway_port: {free_port()}}}\n"
    (folder / "config.yaml").write_text(ports, encoding="utf-8")
    try:
        for name, arguments in COMMANDS.items():
            started = time.monotonic()
            _run(folder, *arguments)
            yield name, round(time.monotonic() - started, 2)
    finally:
        _run(folder, *COMMANDS["local stop"])


def _run(folder: Path, *arguments: str) -> None:
    ended = subprocess.run(
        [*BATCHCTL, *arguments], cwd=folder, env=environment(), capture_output=True, check=False
    )
    assert ended.returncode == 0, ended.stderr.decode()


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as temporary:
        seconds = dict(measure_all(Path(temporary)))
    for name, each in seconds.items():
        print(f"{name:<16} {each:>6.2f} s")
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
