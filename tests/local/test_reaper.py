from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from batchctl.local.reaper import Orphans, Reaper, orphans

HOLDER = """
import os, signal, sys
from batchctl.local.reaper import Reaper
reaper = Reaper()
reaper.watch(int(sys.argv[1]))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def test_what_is_watched_at_the_end_is_what_was_not_forgotten() -> None:
    lines = ["+1\n", "+2\n", "=/x/a folder\n", "-1\n", "+3\n", "-9\n", "+2\n"]
    assert orphans(lines) == Orphans((2, 3), ("/x/a folder",))


def test_the_guard_kills_what_a_killed_process_leaves_behind(
    sleeper: subprocess.Popen[bytes],
) -> None:
    killed = subprocess.run([sys.executable, "-c", HOLDER, str(sleeper.pid)], check=False)
    assert killed.returncode == -9
    assert sleeper.wait(20) == -9


def test_the_guard_removes_a_folder_with_all_that_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "cloud's" / "deep").mkdir(parents=True)
    reaper = Reaper()
    reaper.remove_at_end(str(tmp_path / "cloud's"))
    assert (tmp_path / "cloud's").is_dir()
    reaper.close()
    assert not (tmp_path / "cloud's").exists()


def test_the_guard_leaves_alone_what_was_forgotten(sleeper: subprocess.Popen[bytes]) -> None:
    reaper = Reaper()
    reaper.watch(sleeper.pid)
    reaper.forget(sleeper.pid)
    reaper.close()
    assert sleeper.poll() is None
