"""A run that is killed before and after each of its calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from account import DONE, STATE, Account, Stack
from crash_branches import Branches, Call, Calls, is_read


class Kills:
    """Lets a branch be killed before each call, and one when the call has taken effect.

    The next run knows nothing but what is on disk and what AWS has: two points where both are the
    same are one, and one branch stands for them. A read changes neither. `one_in` leaves out all
    but every so manyth of the points that differ, from the first on.
    """

    def __init__(self, branches: Branches, recover: Callable[[], None], *, one_in: int = 1) -> None:
        self.points = 0
        self._one_in = one_in
        self._branches = branches
        self._recover = recover
        self.effects = 0
        self._tried: set[tuple[int, str | None]] = set()

    def watch(self, number: int, operation: str, call: Call) -> object:
        self._kill(f"killed before call {number}, {operation}")
        try:
            return call()
        finally:
            self.effects += not is_read(operation)
            self._kill(f"killed after call {number}, {operation}")

    def _kill(self, name: str) -> None:
        self.points += 1
        point = (self.effects, STATE.read_text(encoding="utf-8") if STATE.exists() else None)
        if point not in self._tried:
            self._tried.add(point)
            if len(self._tried) % self._one_in == 1 % self._one_in and self._branches.split(name):
                self._branches.end(self._recover)


def next_run(
    account: Account, calls: Calls, stack: Stack | None, expected: Mapping[str, object]
) -> Callable[[], None]:
    """The run after a killed one: it reaches what an undisturbed run does, and leaves no rest."""

    def recover() -> None:
        calls.watch = None
        assert account.reach(stack) == DONE
        assert account.holdings() == expected
        if stack:
            assert account.plan(stack).changes == ()
            assert account.down() == DONE
        assert account.holdings() == {}

    return recover
