"""Killed while many calls are in flight at once, as a run has them: nothing is doubled or lost."""

from __future__ import annotations

import threading

import pytest
from account import DONE, Account, first_stack
from crash_branches import Call, Calls

from batchctl.engine import state as engine_state


class Killed(BaseException):
    """The process is dead: this is what is left of its threads."""


class Death:
    """From the given call on nothing happens any more, no call and no write of the state."""

    def __init__(self, at_call: int) -> None:
        self._at_call = at_call
        self._write = engine_state.write_atomically
        self.came = threading.Event()

    def watch(self, number: int, _operation: str, call: Call) -> object:
        if number >= self._at_call:
            self.came.set()
        self._refuse()
        answer = call()
        self._refuse()
        return answer

    def write(self, *arguments: object) -> None:
        """Take the place of `write_atomically`."""
        self._refuse()
        self._write(*arguments)  # type: ignore[arg-type]

    def _refuse(self) -> None:
        if self.came.is_set():
            raise Killed


@pytest.mark.parametrize(
    "at_call",
    [55, *(pytest.param(n, marks=pytest.mark.exhaustive) for n in (3, 30, 45, 65, 70, 75, 80, 85))],
)
def test_killed_with_calls_in_flight_the_next_run_finishes_the_work(
    at_call: int,
    account: Account,
    calls: Calls,
    undisturbed_holdings: dict[str, list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stack, death = first_stack(), Death(at_call)
    with monkeypatch.context() as patch:
        patch.setattr(engine_state, "write_atomically", death.write)
        outcome = calls.during(lambda: account.up(stack), death.watch)
    assert death.came.is_set()
    assert outcome != DONE
    assert account.up(stack) == DONE
    assert account.holdings() == undisturbed_holdings
    assert account.plan(stack).changes == ()
    assert account.down() == DONE
    assert account.holdings() == {}
