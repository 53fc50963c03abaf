"""Tasks are held to their memory as a control group would hold them."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from batchctl.contract.environment import Container
from batchctl.local.batch.running.memory import (
    Held,
    MemoryWatch,
    held_by_all,
    held_exactly,
    held_roughly,
    write_events,
)
from batchctl.runner.memory_events import memory_kills

needs_linux = pytest.mark.skipif(
    not Path("/proc/self/smaps_rollup").exists(), reason="only Linux tells"
)
ROOT = 1_000_000


class Reading:
    """What the processes of each task are said to hold."""

    def __init__(self) -> None:
        self.found: list[Held] = []

    def __call__(self, root: int) -> list[Held]:
        return self.found if root == ROOT else []


@pytest.fixture
def sleepers() -> Iterator[list[subprocess.Popen[bytes]]]:
    started = [subprocess.Popen(["sleep", "600"]) for _ in range(2)]
    yield started
    for each in started:
        each.kill()
        each.wait(10)


def counted(events: Path) -> dict[str, int]:
    lines = (line.split() for line in events.read_text().splitlines())
    return {name: int(count) for name, count in lines}


def test_over_the_limit_the_largest_process_is_killed_and_counted(
    sleepers: list[subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    small, large = sleepers
    reading, events = Reading(), tmp_path / "memory.events"
    memory = MemoryWatch(reading, reading)
    memory.watch(ROOT, 100, events)
    reading.found = [Held(small.pid, 40), Held(large.pid, 60)]
    assert memory.poll() == 1.0
    assert small.poll() is None
    assert large.poll() is None

    reading.found = [Held(small.pid, 40), Held(large.pid, 60.1)]
    memory.poll()

    assert large.wait(10) == -signal.SIGKILL
    assert small.poll() is None
    assert counted(events)["oom_kill"] == 1
    assert memory.forget(ROOT) is True
    assert memory.forget(ROOT) is False


def test_a_raised_oom_score_goes_before_size(
    sleepers: list[subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    item, supervisor = sleepers
    reading = Reading()
    memory = MemoryWatch(reading, reading)
    memory.watch(ROOT, 100, tmp_path / "memory.events")
    reading.found = [Held(item.pid, 30, oom_score_adj=500), Held(supervisor.pid, 75)]
    memory.poll()
    assert item.wait(10) == -signal.SIGKILL
    assert supervisor.poll() is None


def test_while_a_killed_process_gives_its_memory_back_no_other_is_killed(
    sleepers: list[subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    first, second = sleepers
    reading, events = Reading(), tmp_path / "memory.events"
    memory = MemoryWatch(reading, reading)
    memory.watch(ROOT, 100, events)
    reading.found = [Held(first.pid, 90), Held(second.pid, 80)]
    memory.poll()
    memory.poll()
    assert second.poll() is None
    assert counted(events)["oom_kill"] == 1

    reading.found = [Held(first.pid, 0), Held(second.pid, 180)]
    memory.poll()
    assert second.wait(10) == -signal.SIGKILL
    assert counted(events)["oom_kill"] == 2


def test_pages_that_processes_share_are_counted_once(tmp_path: Path) -> None:
    roughly, exactly = Reading(), Reading()
    roughly.found, exactly.found = [Held(ROOT + 1, 80), Held(ROOT + 2, 80)], [Held(ROOT + 1, 90)]
    memory = MemoryWatch(roughly, exactly)
    memory.watch(ROOT, 100, tmp_path / "memory.events")
    assert memory.poll() == 0.9
    assert memory.forget(ROOT) is False


def test_what_is_forgotten_is_left_alone(
    sleepers: list[subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    reading = Reading()
    memory = MemoryWatch(reading, reading)
    memory.watch(ROOT, 100, tmp_path / "memory.events")
    assert memory.forget(ROOT) is False
    reading.found = [Held(sleepers[0].pid, 1000)]
    memory.poll()
    assert sleepers[0].poll() is None


def test_the_counters_have_the_form_of_a_control_groups(tmp_path: Path) -> None:
    write_events(tmp_path / "memory.events", 2)
    assert list(counted(tmp_path / "memory.events").items()) == [
        ("low", 0),
        ("high", 0),
        ("max", 2),
        ("oom", 2),
        ("oom_kill", 2),
        ("oom_group_kill", 0),
    ]


def test_the_runner_that_has_opened_the_counters_sees_each_kill(tmp_path: Path) -> None:
    events = tmp_path / "memory.events"
    write_events(events, 0)
    runner = memory_kills({Container.MEMORY_EVENTS: str(events)})
    assert runner.count() == 0
    for kills in (1, 2, 10):
        write_events(events, kills)
        assert runner.count() == kills


@needs_linux
def test_what_this_process_holds_is_told_in_mib() -> None:
    before = held_by_all(os.getpid())
    held = bytearray(50 << 20)
    grown = held_by_all(os.getpid()) - before
    assert 45 < grown < 60
    assert len(held) == 50 << 20


@needs_linux
def test_a_child_that_shares_all_its_memory_holds_half_of_it() -> None:
    held = bytearray(50 << 20)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writer)
        os.read(reader, 1)
        os._exit(0)
    try:
        roughly = {each.pid: each.mib for each in held_roughly(os.getpid())}[child]
        exactly = {each.pid: each.mib for each in held_exactly(os.getpid())}[child]
    finally:
        os.close(writer)
        os.close(reader)
        os.waitpid(child, 0)
    assert roughly > 50
    assert exactly < roughly * 0.7
    assert len(held) == 50 << 20


def test_a_process_that_is_gone_holds_nothing() -> None:
    assert held_by_all(2**22 + 1) == 0.0
    assert held_exactly(2**22 + 1) == []
