"""A run that is stopped on its way, by credentials that expire or by Ctrl-C, and the next one."""

from __future__ import annotations

import pytest
from account import DONE, Account, first_stack
from crash_branches import WITH_THREADS_ELSEWHERE, Branches, Call, Calls
from fault_kinds import expired

pytestmark = pytest.mark.filterwarnings(WITH_THREADS_ELSEWHERE)
# Of about 130 calls of a first `up` every so manyth is tried.
every_so_manyth = pytest.mark.parametrize(
    "every", [pytest.param(9, marks=pytest.mark.exhaustive), 60]
)


@every_so_manyth
def test_expired_credentials_are_one_error_and_the_next_run_continues(
    every: int, account: Account, calls: Calls, branches: Branches
) -> None:
    stack = first_stack()
    expected = branches.undisturbed(lambda: account.up(stack), account.holdings)

    def watch(number: int, operation: str, call: Call) -> object:
        if number % every == 0 and branches.split(f"expired at call {number}"):
            calls.watch = lambda _number, operation, _call: refuse(operation)
            return refuse(operation)
        return call()

    def refuse(operation: str) -> object:
        raise expired(operation)

    def run() -> None:
        outcome = calls.during(lambda: account.up(stack), watch)
        if branches.in_child:
            assert outcome.ended_by is not None
            assert str(outcome.ended_by.hint).startswith("log in again, then run the same command")
            assert outcome.failed == {}
            outcome = account.up(stack)
        assert outcome == DONE

    branches.then(run, lambda: check(account, expected))
    assert branches.gather() == []
    assert branches.begun > 90 // every


def check(account: Account, expected: object) -> None:
    assert account.holdings() == expected
    assert account.plan(first_stack()).changes == ()


@every_so_manyth
def test_ctrl_c_ends_the_run_in_good_order_and_the_next_one_finishes_the_work(
    every: int, account: Account, calls: Calls, branches: Branches
) -> None:
    stack = first_stack()
    expected = branches.undisturbed(lambda: account.up(stack), account.holdings)

    def watch(number: int, _operation: str, call: Call) -> object:
        if number % every == 0 and branches.split(f"Ctrl-C at call {number}"):
            calls.watch = None
            account.aws.clock.stop.set()
        return call()

    def run() -> None:
        outcome = calls.during(lambda: account.up(stack), watch)
        if branches.in_child:
            assert not outcome.failed
            assert outcome.interrupted
            outcome = account.up(stack)
        assert outcome == DONE

    branches.then(run, lambda: check(account, expected))
    assert branches.gather() == []
    assert branches.begun > 90 // every
