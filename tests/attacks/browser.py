"""A headless Chromium that a test makes open pages.

It is asked over HTTP ("Chrome DevTools Protocol", HTTP endpoints: `/json/new`, `/json/close`).
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote

PROGRAM = "chromium"
OPTIONS = (
    "--headless",
    "--no-sandbox",  # as root, in continuous integration
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    # What it may ask a person: here the person says yes, as some will.
    "--disable-popup-blocking",
    "--disable-features=LocalNetworkAccessChecks",
    "--remote-debugging-port=0",
)
START_TIMEOUT_S = 60.0


def why_not() -> str:
    """Why there is no browser here; empty when there is one."""
    return "" if shutil.which(PROGRAM) else f"`{PROGRAM}` is not installed (see .ci/chromium)"


@dataclass(frozen=True)
class Browser:
    """A running Chromium."""

    port: int

    def open(self, url: str) -> str:
        """Open an address in a new tab, as a person who types it; return the tab's id."""
        return str(self._ask("PUT", f"/json/new?{quote(url, safe='')}")["id"])

    def close(self, tab: str) -> None:
        """Close a tab."""
        self._ask("GET", f"/json/close/{tab}")

    def tabs(self) -> list[str]:
        """Return the ids of all tabs."""
        return [each["id"] for each in self._ask("GET", "/json/list") if each["type"] == "page"]

    def _ask(self, method: str, path: str) -> Any:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path)
            content = connection.getresponse().read()
        finally:
            connection.close()
        return json.loads(content) if content[:1] in b"[{" else None


@contextmanager
def chromium(*options: str) -> Iterator[Browser]:
    """Give a browser with a profile of its own, and end it."""
    profile = Path(tempfile.mkdtemp(prefix="chromium-"))
    program = shutil.which(PROGRAM) or PROGRAM
    command = [program, *OPTIONS, *options, f"--user-data-dir={profile}", "about:blank"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield Browser(_port(profile / "DevToolsActivePort", process))
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(profile, ignore_errors=True)


def _port(file: Path, process: subprocess.Popen[bytes]) -> int:
    """Wait for the file in which Chromium writes its port."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while not (file.exists() and file.read_text()):
        assert process.poll() is None, f"`{PROGRAM}` ended with {process.returncode}"
        assert time.monotonic() < deadline, f"`{PROGRAM}` did not come up"
        time.sleep(0.05)
    return int(file.read_text().split()[0])
