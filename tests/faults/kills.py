"""A run that is killed before and after each of its calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from account import DONE, STATE, Account, Stack
from crash_branches import Branches, Call, Calls, is_read

Recover = Callable[[bool], None]


class Kills:
    """Lets a branch be killed before each call, and one when the call has taken effect.

    The next run knows nothing but what is on disk and what AWS has: two points where both are the
    same are one, and one branch stands for them. A read changes neither. `one_in` leaves out all
    but every so manyth of the points that differ, from the first on. `recover` is told whether
    it is the first branch that is killed before, or after, a call of that operation.
    """

    def __init__(self, branches: Branches, recover: Recover, *, one_in: int = 1) -> None:
        self.points = 0
        self._one_in = one_in
        self._branches = branches
        self._recover = recover
        self.effects = 0
        self._tried: set[tuple[int, str | None]] = set()
        self._met: set[tuple[str, str]] = set()

    def watch(self, number: int, operation: str, call: Call) -> object:
        self._kill("before", number, operation)
        try:
            return call()
        finally:
            self.effects += not is_read(operation)
            self._kill("after", number, operation)

    def _kill(self, when: str, number: int, operation: str) -> None:
        self.points += 1
        point = (self.effects, STATE.read_text(encoding="utf-8") if STATE.exists() else None)
        if point in self._tried:
            return
        self._tried.add(point)
        if len(self._tried) % self._one_in != 1 % self._one_in:
            return
        is_first = (when, operation) not in self._met
        self._met.add((when, operation))
        if self._branches.split(f"killed {when} call {number}, {operation}"):
            self._branches.end(lambda: self._recover(is_first))


def next_run(
    account: Account, calls: Calls, stack: Stack | None, expected: Mapping[str, object]
) -> Recover:
    """The run after a killed one: it reaches what an undisturbed run does.

    Nor does it leave a rest, for another `up` or for `down`: the first of each operation shows it.
    """

    def recover(is_first: bool) -> None:
        calls.watch = None
        assert account.reach(stack) == DONE
        assert account.holdings() == expected
        if not is_first:
            return
        if stack:
            assert account.plan(stack).changes == ()
            assert account.down() == DONE
        assert account.holdings() == {}

    return recover
