"""Killed before every call, and after every call before its answer is seen: nothing is lost.

Three stories: a first `up`, an `up` that replaces, a `down`. Each is run once undisturbed; at its
calls branches leave it in which the process is dead, and another run takes over from the disk.
"""

from __future__ import annotations

import pytest
from account import DONE, Account, Stack, changed_stack, first_stack
from crash_branches import WITH_THREADS_ELSEWHERE, Branches, Calls
from kills import Kills, next_run

pytestmark = pytest.mark.filterwarnings(WITH_THREADS_ELSEWHERE)
STORIES: dict[str, tuple[Stack | None, Stack | None]] = {
    "first up": (None, first_stack()),
    "up that replaces": (first_stack(), changed_stack()),
    "down": (first_stack(), None),
}


@pytest.mark.parametrize("one_in", [pytest.param(1, marks=pytest.mark.exhaustive), 48])
@pytest.mark.parametrize("story", list(STORIES))
def test_killed_at_any_call_the_next_run_finishes_the_work(
    story: str, one_in: int, account: Account, calls: Calls, branches: Branches
) -> None:
    before, after = STORIES[story]
    if before:
        assert account.up(before) == DONE

    def run() -> None:
        assert account.reach(after) == DONE

    expected = branches.undisturbed(run, account.holdings)
    recover = next_run(account, calls, after, expected)
    kills = Kills(branches, recover, one_in=one_in)
    calls.during(run, kills.watch)
    made = len(calls.made)
    assert account.holdings() == expected
    assert branches.gather() == []
    assert kills.points == 2 * made
    # Each call that changes something makes a point of its own; reads make none.
    assert branches.begun > kills.effects // one_in
