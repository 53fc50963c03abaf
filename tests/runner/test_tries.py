"""What becomes of a call of the user's function."""

from __future__ import annotations

import json
import math
import signal
from collections.abc import Callable
from typing import Any

import pytest

from batchctl.runner.signals import Stopped, StopSignal
from batchctl.runner.tries import LARGEST_RESULT_BYTES, Tries, encode

Function = Callable[[str, dict[str, Any]], Any]


@pytest.fixture
def stop() -> StopSignal:
    return StopSignal()


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def tries(stop: StopSignal, pauses: list[float]) -> Tries:
    return Tries(3, stop=stop, sleep=pauses.append)


def failing(times: int, error: BaseException) -> Function:
    """Return a compute function that raises `error` that often, and then succeeds."""
    left = [error] * times

    def function(item: str, parameters: dict[str, Any]) -> dict[str, Any]:
        if left:
            raise left.pop()
        return {"item": item}

    return function


def test_first_success_ends_the_tries(tries: Tries, pauses: list[float]) -> None:
    outcome = tries.run(lambda item, parameters: {"item": item, **parameters}, "A", {"x": 1})

    assert (outcome.status, outcome.result) == ("SUCCEEDED", '{"item":"A","x":1}')
    assert outcome.tries == 1
    assert pauses == []


def test_exception_is_tried_again_after_a_pause(tries: Tries, pauses: list[float]) -> None:
    outcome = tries.run(failing(2, OSError("away")), "A", {})

    assert (outcome.status, outcome.tries) == ("SUCCEEDED", 3)
    assert len(pauses) == 2
    assert 0 <= pauses[0] <= 2
    assert 0 <= pauses[1] <= 4


def test_last_exception_is_the_outcome(tries: Tries, pauses: list[float]) -> None:
    outcome = tries.run(failing(9, ValueError("no price")), "A", {})

    assert (outcome.status, outcome.result, outcome.tries) == ("FAILED", None, 3)
    assert outcome.error is not None
    assert outcome.error.startswith("ValueError: no price (test_tries.py, line ")
    assert outcome.error.endswith(", in function)")
    assert len(pauses) == 2


@pytest.mark.parametrize(
    "error", [SystemExit(0), MemoryError(), KeyboardInterrupt(), GeneratorExit()]
)
def test_what_would_end_the_program_fails_the_item(tries: Tries, error: BaseException) -> None:
    outcome = tries.run(failing(9, error), "A", {})

    assert outcome.error is not None
    assert outcome.error.startswith(type(error).__name__)


def test_exception_that_cannot_be_shown_fails_the_item(tries: Tries) -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    outcome = tries.run(failing(9, MuteError()), "A", {})

    assert "MuteError" in str(outcome.error)


def test_error_text_is_short_and_can_be_stored(tries: Tries) -> None:
    outcome = tries.run(failing(9, ValueError("\ud800" + "x" * 100_000)), "A", {})

    assert len(str(outcome.error).encode()) < 5_000


def test_endless_recursion_fails_the_item(tries: Tries) -> None:
    def function(item: str, parameters: dict[str, Any]) -> Any:
        return function(item, parameters)

    outcome = tries.run(function, "A", {})

    assert str(outcome.error).startswith("RecursionError")


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (None, "TypeError: compute must return a dict, not NoneType"),
        ([1], "TypeError: compute must return a dict, not list"),
        ({"x": math.nan}, "TypeError: compute must return what JSON can hold: "),
        ({"x": -math.inf}, "TypeError: compute must return what JSON can hold: "),
        ({"x": {1}}, "TypeError: compute must return what JSON can hold: "),
        ({"x": b"bytes"}, "TypeError: compute must return what JSON can hold: "),
        ({(1, 2): 3}, "TypeError: compute must return what JSON can hold: "),
        ({"x": "\ud800"}, "TypeError: compute must return what JSON can hold: "),
        ({"x": "y" * LARGEST_RESULT_BYTES}, "ValueError: the result has 358408 bytes"),
    ],
)
def test_result_that_cannot_be_kept_fails_the_item(tries: Tries, result: Any, message: str) -> None:
    outcome = tries.run(lambda _item, _parameters: result, "A", {})

    assert str(outcome.error).startswith(message)


def test_result_is_stored_in_its_own_characters(tries: Tries) -> None:
    outcome = tries.run(lambda _item, _parameters: {"名": "浦发"}, "A", {})

    assert outcome.result == '{"名":"浦发"}'


def test_each_call_gets_the_parameters_unchanged(tries: Tries) -> None:
    parameters = {"weights": [1, 2]}

    def function(item: str, parameters: dict[str, Any]) -> dict[str, Any]:
        parameters["weights"].clear()
        return {}

    tries.run(function, "A", parameters)

    assert parameters == {"weights": [1, 2]}


def test_seconds_are_those_of_the_last_call(stop: StopSignal) -> None:
    times = iter([0.0, 5.0, 100.0, 100.25])
    tries = Tries(2, stop, sleep=lambda _seconds: None, clock=lambda: next(times))

    outcome = tries.run(failing(1, OSError()), "A", {})

    assert outcome.seconds == 0.25


def test_stop_passes_through(tries: Tries) -> None:
    with pytest.raises(Stopped):
        tries.run(failing(1, Stopped(signal.SIGTERM)), "A", {})


@pytest.mark.parametrize("error", [None, RuntimeError("hidden")])
def test_stop_that_the_function_hides_is_found(
    tries: Tries, stop: StopSignal, error: Exception | None
) -> None:
    def function(item: str, parameters: dict[str, Any]) -> dict[str, Any]:
        stop.received = signal.SIGTERM
        if error:
            raise error
        return {}

    with pytest.raises(Stopped):
        tries.run(function, "A", {})


@pytest.mark.parametrize("container", ["list", "dict", "tuple"])
def test_a_result_may_be_nested_sixty_levels_deep_and_no_more(container: str) -> None:
    def nested(levels: int) -> Any:
        value: Any = 1
        for _ in range(levels - 1):
            value = {"list": [value], "dict": {"x": value}, "tuple": (value,)}[container]
        return {"x": value}

    assert json.loads(encode(nested(60)))
    with pytest.raises(ValueError, match="nested more than 60 levels deep"):
        encode(nested(61))
    with pytest.raises((ValueError, TypeError)):
        encode(nested(100_000))
