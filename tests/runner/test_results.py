"""What compute may return, and what becomes of it as JSON."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from collections import OrderedDict, namedtuple
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from pathlib import PurePosixPath
from types import MappingProxyType, ModuleType, SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from batchctl.runner.results import LARGEST_RESULT_BYTES, NoJsonError, encode


class Colour(Enum):
    RED = "red"


class Level(IntEnum):
    LOW = 1


class Side(StrEnum):
    BUY = "buy"


@dataclasses.dataclass
class Quote:
    price: Decimal
    at: date


Point = namedtuple("Point", "x y")  # noqa: PYI024  # as users write it


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (1, 1),
        (10**30, 10**30),
        (1.5, 1.5),
        (math.nan, None),
        (math.inf, None),
        (-math.inf, None),
        ("浦发", "浦发"),
        ([1, (2, 3)], [1, [2, 3]]),
        (Point(1, 2), [1, 2]),
        (OrderedDict(a=1), {"a": 1}),
        (MappingProxyType({"a": 1}), {"a": 1}),
        (Colour.RED, "red"),
        (Level.LOW, 1),
        (Side.BUY, "buy"),
        (date(2026, 11, 28), "2026-11-28"),
        (datetime(2026, 11, 28, 1, 2, 3, tzinfo=UTC), "2026-11-28T01:02:03+00:00"),
        (time(1, 2), "01:02:00"),
        (timedelta(minutes=1, milliseconds=500), 60.5),
        (Decimal("1.10"), 1.1),
        (Decimal(7), 7),
        (Decimal("NaN"), None),
        (Decimal("1e999999"), None),
        (PurePosixPath("/data/x.csv"), "/data/x.csv"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Quote(Decimal("1.5"), date(2026, 1, 2)), {"price": 1.5, "at": "2026-01-02"}),
        (
            {1: "a", 2.5: "b", None: "c", False: "d"},
            {"1": "a", "2.5": "b", "null": "c", "false": "d"},
        ),
        ({Side.BUY: 1}, {"buy": 1}),
        ({date(2026, 1, 2): 1}, {"2026-01-02": 1}),
    ],
)
def test_what_has_a_form_in_json_gets_it(value: Any, expected: Any) -> None:
    assert json.loads(encode({"x": value})) == {"x": expected}


class FakeArray:
    """As numpy's arrays and scalars are, to whoever doesn't import numpy."""

    __module__ = "numpy"

    def __init__(self, kind: str, value: Any) -> None:
        self.dtype = SimpleNamespace(kind=kind, type=lambda count, unit: {"s": 1000}[unit] * count)
        self.value = value

    def tolist(self) -> Any:
        return self.value

    def astype(self, dtype: type[str]) -> FakeArray:
        return FakeArray("U", [dtype(each) for each in self.value])

    def __truediv__(self, by: float) -> FakeArray:
        return FakeArray("f", [each / by for each in self.value])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (FakeArray("f", [1.5, math.nan, [2.0]]), [1.5, None, [2.0]]),
        (FakeArray("i", 3), 3),
        (FakeArray("M", ["2026-01-02", "NaT"]), ["2026-01-02", None]),
        (FakeArray("m", [1_500, math.nan]), [1.5, None]),
    ],
)
def test_arrays_and_scalars_of_numpy_become_numbers_and_text(value: Any, expected: Any) -> None:
    assert json.loads(encode({"x": value})) == {"x": expected}


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (None, "compute must return a dict, not NoneType"),
        ([1], "compute must return a dict, not list"),
        ({"sharpe": [1, 2, 3, {1}]}, "result.sharpe[3]: set is no JSON (return `sorted(…)`)"),
        ({"x": b"bytes"}, "result.x: bytes is no JSON (store it in Amazon S3"),
        ({"a b": {"x": object()}}, "result['a b'].x: object is no JSON"),
        ({(1, 2): 3}, "result: a key of JSON is text, not tuple: (1, 2)"),
        ({"x": "\ud800"}, "result.x: text with half a character"),
        ({"x": 10**5000}, "result.x: an integer of more than 4,300 digits"),
        ({"x": 1j}, "result.x: complex is no JSON"),
        ({"x": {1: "x", "1": "y"}}, 'result.x: two keys become the same in JSON: "1"'),
        ({"x": {None: 1, "null": 2}}, 'result.x: two keys become the same in JSON: "null"'),
        ({"x": "y" * LARGEST_RESULT_BYTES}, "the result has 358408 bytes as JSON: at most 358400"),
    ],
)
def test_what_has_none_is_refused_with_its_path(result: Any, message: str) -> None:
    with pytest.raises(NoJsonError) as raised:
        encode(result)
    assert str(raised.value).startswith(message)


def test_a_data_frame_is_refused_with_what_to_return() -> None:
    frame = type("DataFrame", (), {"__module__": "pandas.core.frame"})()
    with pytest.raises(
        NoJsonError, match=r"result.x: DataFrame is no JSON \(return `frame.to_dict"
    ):
        encode({"x": frame})


def test_the_nulls_of_pandas_become_null() -> None:
    not_available = type("NAType", (), {"__module__": "pandas._libs.missing"})()
    no_time = type("NaTType", (datetime,), {"__module__": "pandas"})(2026, 1, 1)
    assert json.loads(encode({"x": [not_available, no_time]})) == {"x": [None, None]}


@pytest.mark.parametrize("container", ["list", "dict", "tuple"])
def test_a_result_may_be_nested_sixty_levels_deep_and_no_more(container: str) -> None:
    def nested(levels: int) -> Any:
        value: Any = 1
        for _ in range(levels - 1):
            value = {"list": [value], "dict": {"x": value}, "tuple": (value,)}[container]
        return {"x": value}

    assert json.loads(encode(nested(60)))
    for levels in (61, 100_000):
        with pytest.raises(NoJsonError, match="nested more than 60 levels deep"):
            encode(nested(levels))


def test_a_result_that_contains_itself_is_refused() -> None:
    result: dict[str, Any] = {}
    result["x"] = result
    with pytest.raises(NoJsonError, match="nested more than 60"):
        encode(result)


def test_names_that_only_look_the_same_stay_apart() -> None:
    assert json.loads(encode({"a": {"b": 1}, "a.b": 2})) == {"a": {"b": 1}, "a.b": 2}


def test_nothing_is_imported_for_the_conversion() -> None:
    assert isinstance(sys.modules["batchctl.runner.results"], ModuleType)
    assert not {"numpy", "pandas"} & set(vars(sys.modules["batchctl.runner.results"]))
