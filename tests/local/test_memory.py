from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from batchctl.local.batch.running.memory import MemoryWatch, held_by_all


class Held:
    """What each process is said to hold, in MiB."""

    def __init__(self) -> None:
        self.mib: dict[int, float] = {}

    def __call__(self, pid: int) -> float:
        return self.mib.get(pid, 0.0)


@pytest.fixture
def sleeper() -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sleep", "600"], start_new_session=True)


def test_a_group_over_its_limit_is_killed_once_and_remembered(
    sleeper: subprocess.Popen[bytes],
) -> None:
    held = Held()
    memory = MemoryWatch(held)
    memory.watch(sleeper.pid, 100)
    held.mib[sleeper.pid] = 100.0
    memory.poll()
    assert sleeper.poll() is None

    held.mib[sleeper.pid] = 100.1
    memory.poll()

    assert sleeper.wait(10) == -signal.SIGKILL
    assert memory.forget(sleeper.pid) is True
    assert memory.forget(sleeper.pid) is False


def test_a_group_that_is_forgotten_is_left_alone(sleeper: subprocess.Popen[bytes]) -> None:
    held = Held()
    memory = MemoryWatch(held)
    memory.watch(sleeper.pid, 100)
    assert memory.forget(sleeper.pid) is False
    held.mib[sleeper.pid] = 1000.0
    memory.poll()
    assert sleeper.poll() is None
    sleeper.kill()
    sleeper.wait(10)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux tells")
def test_what_this_process_holds_is_told_in_mib() -> None:
    before = held_by_all(os.getpid())
    held = bytearray(50 << 20)
    grown = held_by_all(os.getpid()) - before
    assert 45 < grown < 60
    assert len(held) == 50 << 20


def test_a_process_that_is_gone_holds_nothing() -> None:
    assert held_by_all(2**22 + 1) == 0.0
