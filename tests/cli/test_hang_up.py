"""A terminal that closes, and a second Ctrl-C, leave no builder running and no login behind."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import subprocess
import sys
import tempfile
import termios
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

BUILDS = """
import os, sys, threading
from pathlib import Path
from batchctl.cli.interrupts import stopping
from batchctl.errors import Interrupted
from batchctl.image.credentials import private_login
from batchctl.image.running import Command, Watch, run

here, builder = Path(sys.argv[1]), sys.argv[2]
stop = threading.Event()
try:
    with stopping(stop), private_login("docker", {"DOCKER_CONFIG": str(here)}) as login:
        environment = {**os.environ, "HERE": str(here), "LOGIN": login["DOCKER_CONFIG"]}
        run(Command(("sh", "-c", builder), environment), Watch(print, stop))
except Interrupted:
    print("the table that is redrawn on a terminal that is gone", flush=True)
    (here / "in good order").touch()
"""
BUILDER = 'echo "$LOGIN" > "$HERE/login"; echo $$ > "$HERE/pid"; echo started; sleep 100 & wait'
STUBBORN = f"trap '' TERM INT HUP; {BUILDER}; sleep 100"
WITHIN_S = 60.0


def settles(holds: Callable[[], bool]) -> bool:
    """Return whether it holds within WITHIN_S."""
    pause = threading.Event()
    for _ in range(int(WITHIN_S / 0.05)):
        if holds():
            return True
        pause.wait(0.05)
    return False


class Run:
    """A run in a terminal of its own, whose builder has started."""

    def __init__(self, folder: Path, builder: str, *, ignored: bool = False) -> None:
        self.folder = folder
        self.terminal, its = pty.openpty()

        def on_the_terminal() -> None:
            os.setsid()
            fcntl.ioctl(its, termios.TIOCSCTTY, 0)
            if ignored:
                signal.signal(signal.SIGHUP, signal.SIG_IGN)

        command = [sys.executable, "-c", BUILDS, str(folder), builder]
        output: int | None = subprocess.DEVNULL if ignored else its
        self.process = subprocess.Popen(
            command,
            stdin=its,
            stdout=output,
            stderr=output,
            preexec_fn=on_the_terminal,  # noqa: PLW1509 - what it calls takes no lock
        )
        os.close(its)
        assert settles(lambda: (folder / "pid").exists() and bool(self._read("pid")))
        self.login, self.builder = Path(self._read("login")), int(self._read("pid"))
        assert self.login.is_dir()

    def _read(self, name: str) -> str:
        return (self.folder / name).read_text().strip()

    def close_terminal(self) -> None:
        os.close(self.terminal)

    def wait_for(self, text: bytes) -> None:
        """Return when the terminal has shown a text."""
        shown = b""
        while text not in shown:
            shown += os.read(self.terminal, 1000)

    def has_builder(self) -> bool:
        """Whether anything of the builder's process group runs."""
        try:
            os.killpg(self.builder, 0)
        except ProcessLookupError:
            return False
        return True


def test_a_terminal_that_closes_ends_the_run_in_good_order(tmp_path: Path) -> None:
    run = Run(tmp_path, BUILDER)
    run.close_terminal()
    assert run.process.wait(WITHIN_S) == 0
    assert (tmp_path / "in good order").exists()
    assert settles(lambda: not run.has_builder())
    assert not run.login.exists()


def test_a_run_that_ignores_the_terminal_outlives_it(tmp_path: Path) -> None:
    run = Run(tmp_path, BUILDER, ignored=True)
    run.close_terminal()
    run.process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        run.process.wait(0.5)
    run.process.send_signal(signal.SIGINT)
    assert run.process.wait(WITHIN_S) == 0


def test_a_second_ctrl_c_leaves_no_builder_and_no_login(tmp_path: Path) -> None:
    run = Run(tmp_path, STUBBORN)
    run.process.send_signal(signal.SIGINT)
    run.wait_for(b"Ctrl-C again")
    run.process.send_signal(signal.SIGINT)
    assert run.process.wait(WITHIN_S) == 130
    assert settles(lambda: not run.has_builder())
    assert not run.login.exists()
    os.close(run.terminal)


@pytest.fixture(autouse=True)
def temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the login of each test in a folder of its own."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
