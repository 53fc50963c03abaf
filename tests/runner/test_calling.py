"""How the functions of compute.py are called, without a table or a process."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from batchctl.contract.reasons import Reason
from batchctl.runner.calling import user_code
from batchctl.runner.failures import describe, full_text, is_final, reason_for
from batchctl.runner.results import NoJsonError
from batchctl.runner.user_code import BrokenComputeError


def module(text: str) -> ModuleType:
    made = ModuleType("compute")
    exec(compile(text, "/app/compute.py", "exec"), vars(made))  # noqa: S102  # code of a user
    return made


def call(text: str, parameters: dict[str, Any] | None = None) -> str:
    return user_code(module(text)).prepare(parameters or {}).call("A")[0]


def test_compute_gets_item_and_parameters() -> None:
    assert call("def compute(item, parameters): return {item: parameters}", {"x": 1}) == (
        '{"A":{"x":1}}'
    )


def test_compute_gets_what_setup_returned_where_it_takes_it() -> None:
    text = "def setup(parameters): return parameters['x'] + 1\n"
    assert call(text + "def compute(i, p, context): return {'c': context}", {"x": 1}) == '{"c":2}'
    assert call(text + "def compute(i, p): return {}", {"x": 1}) == "{}"


def test_setup_may_take_nothing() -> None:
    text = "def setup(): return 5\ndef compute(i, p, context): return {'c': context}"
    assert call(text) == '{"c":5}'


def test_setup_cannot_change_the_parameters_of_the_items() -> None:
    text = "def setup(parameters): parameters.clear()\ndef compute(i, p): return p"
    assert call(text, {"x": 1}) == '{"x":1}'


def test_a_third_argument_of_compute_is_left_alone_without_setup() -> None:
    assert call("def compute(i, p, debug=False): return {'debug': debug}") == '{"debug":false}'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("compute = 1", "compute.py has no function `compute(item, parameters)`"),
        ("def compute(item): pass", "but it is `compute(item)`"),
        ("def compute(i, p, c): pass", "a third argument needs a function `setup(parameters)`"),
        ("def compute(i, p): pass\ndef setup(a, b): pass", "but it is `setup(a, b)`"),
        ("def setup(p): pass\ndef compute(*, item): pass", "`compute(item, parameters, context)`"),
    ],
)
def test_a_wrong_signature_is_found_before_any_call(text: str, message: str) -> None:
    with pytest.raises(BrokenComputeError) as raised:
        user_code(module(text))
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("error", "final"),
    [
        (ValueError(), False),
        (OSError(), False),
        (UnboundLocalError(), False),
        (NameError(), True),
        (ModuleNotFoundError(), True),
        (IndentationError(), True),
        (NoJsonError(), True),
        (BrokenComputeError(), True),
    ],
)
def test_what_cannot_change_is_not_tried_again(error: Exception, final: bool) -> None:
    assert is_final(error) is final


def test_an_error_names_the_innermost_place_and_the_traceback_begins_in_compute_py() -> None:
    code = user_code(module("def compute(i, p):\n    return inner()\ndef inner():\n    1 / 0\n"))
    with pytest.raises(ZeroDivisionError) as raised:
        code.prepare({}).call("A")
    own = raised.value
    own.__traceback__ = own.__traceback__ and own.__traceback__.tb_next  # without this test
    assert describe(own, {}) == (
        "ZeroDivisionError: division by zero (compute.py, line 4, in inner)"
    )
    assert 'Traceback (most recent call last):\n  File "/app/compute.py", line 2' in full_text(own)


def test_the_place_of_an_error_that_a_library_raised_is_where_it_was_called() -> None:
    code = user_code(module("import json\ndef compute(i, p):\n    return json.loads('{')\n"))
    with pytest.raises(ValueError, match="Expecting property name") as raised:
        code.prepare({}).call("A")
    assert describe(raised.value, {}).endswith("(compute.py, line 3, in compute)")


def test_an_error_that_cannot_be_shown_is_one_all_the_same() -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert "MuteError" in describe(MuteError(), {})


def test_an_error_is_short_and_can_be_stored() -> None:
    assert len(describe(ValueError("\ud800" + "x" * 100_000), {}).encode()) < 5_000


def test_a_memory_error_is_a_lack_of_memory() -> None:
    assert reason_for(MemoryError()) == Reason.OUT_OF_MEMORY
    assert reason_for(ValueError()) == Reason.EXCEPTION
