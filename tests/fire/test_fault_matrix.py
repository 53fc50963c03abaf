"""Every operation fails in every way, and the run in which it does succeeds all the same.

Throttling, a 500, a closed connection, the latter two also when the call has taken effect: what
must not happen twice doesn't.
"""

from __future__ import annotations

import pytest
from account import DONE, Account, Stack, changed_stack, first_stack
from crash_branches import WITH_THREADS_ELSEWHERE, Branches, Call, Calls, Watch, is_read
from fault_kinds import FAULTS, Fault

pytestmark = pytest.mark.filterwarnings(WITH_THREADS_ELSEWHERE)
STORIES: dict[str, tuple[Stack | None, Stack | None]] = {
    "first up": (None, first_stack()),
    "up without changes": (first_stack(), first_stack()),
    "up that replaces": (first_stack(), changed_stack()),
    "down": (first_stack(), None),
}


# Its reads are those of the other stories.
ONLY_WRITES = {"up that replaces"}


class Faults:
    """Lets branches leave at the first call of each operation, to meet a fault there and go on.

    A fault after the effect is tried where there is one.
    """

    def __init__(self, calls: Calls, branches: Branches, *, only_writes: bool) -> None:
        self._calls = calls
        self._branches = branches
        self._only_writes = only_writes
        self._met: set[str] = set()

    @property
    def operations(self) -> int:
        """How many operations have met faults."""
        return len(self._met)

    def watch(self, number: int, operation: str, call: Call) -> object:
        is_passed_over = operation in self._met or (self._only_writes and is_read(operation))
        for fault in () if is_passed_over else FAULTS:
            if fault.after_effect and is_read(operation):
                continue
            if self._branches.split(f"call {number}, {operation}: {fault.name}"):
                self._calls.watch = failing(fault, operation)
                return self._calls.watch(number, operation, call)
        if not is_passed_over:
            self._met.add(operation)
        return call()


def failing(fault: Fault, failing_operation: str) -> Watch:
    """Let the next calls of the operation fail, as many as the fault says."""
    left = [fault.times]

    def watch(_number: int, operation: str, call: Call) -> object:
        if operation != failing_operation or not left[0]:
            return call()
        left[0] -= 1
        return fault.strike(operation, call)

    return watch


@pytest.mark.parametrize("story", list(STORIES))
def test_whatever_fails_once_the_run_succeeds_with_exactly_one_of_each(
    story: str, account: Account, calls: Calls, branches: Branches
) -> None:
    before, after = STORIES[story]
    if before:
        assert account.up(before) == DONE

    def run() -> None:
        assert (account.up(after) if after else account.down()) == DONE

    expected = branches.undisturbed(run, account.holdings)

    def check() -> None:
        assert account.holdings() == expected
        assert after is None or account.plan(after).changes == ()

    faults = Faults(calls, branches, only_writes=story in ONLY_WRITES)
    branches.then(lambda: calls.during(run, faults.watch), check)
    assert branches.gather() == []
    assert branches.begun > 3 * faults.operations
