"""The REST API and the change of front doors, cut off at every call of API Gateway, and failed.

What is around it has its own crash and fault matrix; here is the front door alone with its
functions, so that every call can be tried in every story.
"""

from __future__ import annotations

import pytest
from account import DONE, Account, Stack, door_stack
from crash_branches import WITH_THREADS_ELSEWHERE, Branches, Call, Calls
from fault_runs import Faults
from kills import Kills, next_run

pytestmark = pytest.mark.filterwarnings(WITH_THREADS_ELSEWHERE)
ALB, OPEN = door_stack("alb", "none"), door_stack("restapi", "none")
SIGNED = door_stack("restapi", "iam")
STORIES: dict[str, tuple[Stack | None, Stack | None]] = {
    "first up": (None, SIGNED),
    "none to iam": (OPEN, SIGNED),
    "iam to none": (SIGNED, OPEN),
    "alb to iam": (ALB, SIGNED),
    "iam to alb": (SIGNED, ALB),
    "down": (SIGNED, None),
}
# Its calls are those of "first up": one of each operation will do.
ONCE_EACH = {"alb to iam", "iam to none"}


@pytest.mark.parametrize(
    ("story", "one_in"),
    [
        *(pytest.param(each, 1, marks=pytest.mark.exhaustive) for each in STORIES),
        ("none to iam", 24),
        ("iam to alb", 24),
    ],
)
def test_killed_at_any_call_of_api_gateway_the_next_run_finishes_the_work(
    story: str, one_in: int, account: Account, calls: Calls, branches: Branches
) -> None:
    before, after = STORIES[story]
    if before:
        assert account.up(before) == DONE

    def run() -> None:
        assert account.reach(after) == DONE

    expected = branches.undisturbed(run, account.holdings)
    recover = next_run(account, calls, after, expected)
    kills, seen = Kills(branches, recover, one_in=one_in), set[str]()

    def watch(number: int, operation: str, call: Call) -> object:
        is_passed_over = story in ONCE_EACH and operation in seen
        seen.add(operation)
        if is_passed_over or not operation.startswith("apigateway."):
            return call()
        return kills.watch(number, operation, call)

    calls.during(run, watch)
    assert account.holdings() == expected
    assert branches.gather() == []
    assert {each for each in seen if each.startswith("apigateway.")}
    assert branches.begun > 1


@pytest.mark.parametrize("one_in", [pytest.param(1, marks=pytest.mark.exhaustive), 5])
def test_whatever_fails_once_in_api_gateway_the_run_succeeds_with_exactly_one_of_each(
    one_in: int, account: Account, calls: Calls, branches: Branches
) -> None:
    def run() -> None:
        assert account.up(SIGNED) == DONE

    expected = branches.undisturbed(run, account.holdings)

    def check() -> None:
        assert account.holdings() == expected
        assert account.plan(SIGNED).changes == ()

    faults = Faults(calls, branches, only_writes=True, one_in=one_in)

    def watch(number: int, operation: str, call: Call) -> object:
        if not operation.startswith("apigateway."):
            return call()
        return faults.watch(number, operation, call)

    branches.then(lambda: calls.during(run, watch), check)
    assert branches.gather() == []
    assert branches.begun > (1 / one_in if one_in > 1 else 3) * faults.operations
