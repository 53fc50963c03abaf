"""Every operation fails in every way, and the run in which it does succeeds all the same.

Throttling, a 500, a closed connection, the latter two also when the call has taken effect: what
must not happen twice doesn't.
"""

from __future__ import annotations

import pytest
from account import DONE, Account, Stack, changed_stack, first_stack
from crash_branches import WITH_THREADS_ELSEWHERE, Branches, Calls
from fault_runs import Faults

pytestmark = pytest.mark.filterwarnings(WITH_THREADS_ELSEWHERE)
STORIES: dict[str, tuple[Stack | None, Stack | None]] = {
    "first up": (None, first_stack()),
    "up without changes": (first_stack(), first_stack()),
    "up that replaces": (first_stack(), changed_stack()),
    "down": (first_stack(), None),
}


# Its reads are those of the other stories.
ONLY_WRITES = {"up that replaces"}


@pytest.mark.parametrize(
    ("story", "one_in"),
    [
        *(pytest.param(each, 1, marks=pytest.mark.exhaustive) for each in STORIES),
        ("first up", 10),
        ("down", 10),
    ],
)
def test_whatever_fails_once_the_run_succeeds_with_exactly_one_of_each(
    story: str, one_in: int, account: Account, calls: Calls, branches: Branches
) -> None:
    before, after = STORIES[story]
    if before:
        assert account.up(before) == DONE

    def run() -> None:
        assert account.reach(after) == DONE

    expected = branches.undisturbed(run, account.holdings)

    def check() -> None:
        assert account.holdings() == expected
        assert after is None or account.plan(after).changes == ()

    is_slice = one_in > 1
    faults = Faults(calls, branches, only_writes=is_slice or story in ONLY_WRITES, one_in=one_in)
    branches.then(lambda: calls.during(run, faults.watch), check)
    assert branches.gather() == []
    assert branches.begun > (1 / one_in if is_slice else 3) * faults.operations
