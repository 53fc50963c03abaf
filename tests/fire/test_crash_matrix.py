"""Killed before every call, and after every call before its answer is seen: nothing is lost.

Three stories: a first `up`, an `up` that replaces, a `down`. Each is run once undisturbed; at its
calls branches leave it in which the process is dead, and another run takes over from the disk.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from account import DONE, STATE, Account, Stack, changed_stack, first_stack
from crash_branches import WITH_THREADS_ELSEWHERE, Branches, Call, Calls, is_read

pytestmark = pytest.mark.filterwarnings(WITH_THREADS_ELSEWHERE)
STORIES: dict[str, tuple[Stack | None, Stack | None]] = {
    "first up": (None, first_stack()),
    "up that replaces": (first_stack(), changed_stack()),
    "down": (first_stack(), None),
}


class Kills:
    """Lets a branch be killed before each call, and one when the call has taken effect.

    The next run knows nothing but what is on disk and what AWS has: two points where both are the
    same are one, and one branch stands for them. A read changes neither.
    """

    def __init__(self, branches: Branches, recover: Callable[[], None]) -> None:
        self.points = 0
        self._branches = branches
        self._recover = recover
        self._effects = 0
        self._tried: set[tuple[int, str | None]] = set()

    def watch(self, number: int, operation: str, call: Call) -> object:
        self._kill(f"killed before call {number}, {operation}")
        try:
            return call()
        finally:
            self._effects += not is_read(operation)
            self._kill(f"killed after call {number}, {operation}")

    def _kill(self, name: str) -> None:
        self.points += 1
        point = (self._effects, STATE.read_text(encoding="utf-8") if STATE.exists() else None)
        if point not in self._tried:
            self._tried.add(point)
            if self._branches.split(name):
                self._branches.end(self._recover)


@pytest.mark.parametrize("story", list(STORIES))
def test_killed_at_any_call_the_next_run_finishes_the_work(
    story: str, account: Account, calls: Calls, branches: Branches
) -> None:
    before, after = STORIES[story]
    if before:
        assert account.up(before) == DONE

    def run() -> None:
        assert (account.up(after) if after else account.down()) == DONE

    expected = branches.undisturbed(run, account.holdings)

    def recover() -> None:
        calls.watch = None
        run()
        assert account.holdings() == expected
        if after:
            assert account.plan(after).changes == ()
            assert account.down() == DONE
        assert account.holdings() == {}

    kills = Kills(branches, recover)
    calls.during(run, kills.watch)
    made = len(calls.made)
    assert account.holdings() == expected
    assert branches.gather() == []
    assert kills.points == 2 * made
