"""When a killed process is said to have run out of memory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from batchctl.contract.reasons import Reason
from batchctl.runner.memory_events import MemoryKills, memory_kills
from batchctl.runner.reply import Reply
from batchctl.runner.slot import End, Hand, outcome_of

KILLED = 9  # wait(2): the status of a process that SIGKILL has ended


@pytest.fixture
def events(tmp_path: Path) -> Path:
    path = tmp_path / "memory.events"
    path.write_text("low 0\nhigh 0\nmax 12\noom 1\noom_kill 3\noom_group_kill 0\n")
    return path


def counter(path: Path, kills: int) -> None:
    path.write_text(f"oom_kill_disable 0\nunder_oom 0\noom_kill {kills}\n")  # as in version 1


def test_the_counter_is_read_where_the_environment_says(events: Path) -> None:
    assert memory_kills({"BATCHCTL_MEMORY_EVENTS": str(events)}).count() == 3
    assert memory_kills({"BATCHCTL_MEMORY_EVENTS": str(events) + ".none"}).count() == 0


def test_a_process_that_was_killed_while_the_counter_rose_ran_out_of_memory(events: Path) -> None:
    kills = MemoryKills(events)
    hand = Hand(0, "A", None, tries=1, kills=kills.count())
    counter(events, 4)
    outcome, _ = outcome_of(hand, End(KILLED, 1.0, 900.0), b"", kills)
    assert (outcome.reason, outcome.signal, outcome.exit_code) == (
        Reason.OUT_OF_MEMORY,
        "SIGKILL",
        137,
    )
    assert outcome.error == "killed by the kernel: out of memory"
    assert outcome.peak_memory_mib == 900.0


def test_one_kill_is_the_end_of_one_item(events: Path) -> None:
    kills = MemoryKills(events)
    hands = [Hand(at, "A", None, kills=kills.count()) for at in range(2)]
    counter(events, 4)
    reasons = [outcome_of(hand, End(KILLED), b"", kills)[0].reason for hand in hands]
    assert reasons == [Reason.OUT_OF_MEMORY, Reason.EXIT_CODE]


def test_without_the_counter_a_killed_process_is_a_killed_process() -> None:
    kills = MemoryKills(None)
    outcome, is_final = outcome_of(Hand(0, "A", None), End(KILLED), b"", kills)
    assert (outcome.reason, outcome.error, is_final) == (
        Reason.EXIT_CODE,
        "killed by SIGKILL before compute returned",
        False,
    )


def test_an_exception_after_a_child_was_killed_for_memory_is_a_lack_of_memory(events: Path) -> None:
    kills = MemoryKills(events)
    hand = Hand(0, "A", None, kills=kills.count())
    counter(events, 4)
    reply = Reply(error="BrokenProcessPool: …").encoded()
    outcome, _ = outcome_of(hand, End(0), reply, kills)
    assert outcome.reason == Reason.OUT_OF_MEMORY
    assert str(outcome.error).startswith("BrokenProcessPool: …; the kernel has killed a process")


def test_a_result_that_came_whole_counts_and_half_of_one_does_not() -> None:
    reply, kills = Reply("{}", seconds=0.5).encoded(), MemoryKills(None)
    outcome, _ = outcome_of(Hand(0, "A", None), End(KILLED, 2.0), reply, kills)
    assert (outcome.result, outcome.seconds) == ("{}", 0.5)
    for broken in (reply[:-1], b"", b"printed by somebody\n", b"[]\n", b"{}\n", os.urandom(99)):
        outcome, _ = outcome_of(Hand(0, "A", None), End(0), broken, kills)
        assert outcome.result is None
        assert outcome.error == ("compute ended the process with exit status 0 before it returned")
