"""How many functions run at once: a bound, a queue, and nobody who waits for themselves."""

from __future__ import annotations

import threading
from contextlib import ExitStack

import pytest

from batchctl.local.emulator.function_slots import BusyError, FunctionSlots, slots_of_this_machine


def outermost() -> int:
    return 0


def test_as_many_run_at_once_as_there_are_slots_and_the_next_is_told() -> None:
    slots = FunctionSlots(2, patience_s=0)
    with ExitStack() as held:
        held.enter_context(slots.taken(outermost))
        held.enter_context(slots.taken(outermost))
        with pytest.raises(BusyError):
            held.enter_context(slots.taken(outermost))
    with slots.taken(outermost), slots.taken(outermost):
        pass


def test_a_slot_that_comes_free_goes_to_who_waits() -> None:
    slots = FunctionSlots(1)
    served = threading.Event()

    def wait() -> None:
        with slots.taken(outermost):
            served.set()

    with slots.taken(outermost):
        waiting = threading.Thread(target=wait)
        waiting.start()
        assert not served.is_set()
    waiting.join(10)
    assert served.is_set()


def test_a_function_that_fails_gives_its_slot_back() -> None:
    slots = FunctionSlots(1, patience_s=0)
    with pytest.raises(ZeroDivisionError), slots.taken(outermost):
        raise ZeroDivisionError
    with slots.taken(outermost):
        pass


def test_a_function_that_a_function_calls_needs_no_slot() -> None:
    slots = FunctionSlots(1, patience_s=0)
    with ExitStack() as held:
        held.enter_context(slots.taken(lambda: 1))
        held.enter_context(slots.taken(lambda: 2))
        held.enter_context(slots.taken(lambda: 3))


def test_there_are_always_at_least_two() -> None:
    assert slots_of_this_machine().count >= 2
