"""What compute returned, as JSON: which values of Python become which of JSON, and which none.

JSON has objects, arrays, strings, numbers, true, false and null. What is more in Python, numpy and
pandas and has one clear form in JSON becomes that (docs/compute.md has the table); everything else
is refused, with its path in the result: `result.sharpe[3]: set is no JSON`.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

from batchctl.contract.limits import MAX_RESULT_DEPTH

# DynamoDB developer guide, Quotas: a record has at most 400 KB, with its key and attribute names
LARGEST_RESULT_BYTES = 350 * 1024

PANDAS_NULLS = ("NaTType", "NAType")
HINTS = {
    "DataFrame": 'return `frame.to_dict("records")`',
    "Series": "return `series.to_dict()` or `series.to_list()`",
    "set": "return `sorted(…)`",
    "frozenset": "return `sorted(…)`",
    "bytes": "store it in Amazon S3, or return it as text (base64)",
    "coroutine": "run it within compute: `asyncio.run(…)`",
    "generator": "return `list(…)`",
}


class NoJsonError(Exception):
    """A result can't be kept; the text says which part of it and why."""


def encode(result: object) -> str:
    """Return what compute returned as JSON text; raises NoJsonError where it can't be kept."""
    if not isinstance(result, dict):
        raise NoJsonError(f"compute must return a dict, not {kind(result)}{hint(result)}")
    value = _object(result, "result", 1)
    text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    size = len(text.encode())
    if size > LARGEST_RESULT_BYTES:
        raise NoJsonError(
            f"the result has {size} bytes as JSON: at most {LARGEST_RESULT_BYTES} fit"
        )
    return text


def convert(value: Any, path: str, depth: int) -> Any:
    """Return a value of the result as JSON has it; `depth` is how many containers it is in."""
    if isinstance(value, Enum):
        value = value.value
    if value is None or value is True or value is False:
        return value
    for kinds, conversion in CONVERSIONS:
        if isinstance(value, kinds):
            return conversion(value, path)
    return _container(value, path, depth)


def _container(value: Any, path: str, depth: int) -> Any:
    if isinstance(value, Mapping):
        return _object(value, path, depth + 1)
    if isinstance(value, (list, tuple)):
        return _array(value, path, depth + 1)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        return _object({name: getattr(value, name) for name in names}, path, depth + 1)
    return _of_a_library(value, path, depth)


def kind(value: object) -> str:
    """Return the name of a value's type, as people write it."""
    return type(value).__name__


def hint(value: object) -> str:
    """Return ` (what to return instead)`, where that is known."""
    text = HINTS.get(kind(value))
    return f" ({text})" if text else ""


def _object(mapping: Mapping[Any, Any], path: str, depth: int) -> dict[str, Any]:
    _check_depth(depth)
    made: dict[str, Any] = {}
    for key, value in mapping.items():
        name = _name(key, path)
        if name in made:
            raise NoJsonError(f"{path}: two keys become the same in JSON: {json.dumps(name)}")
        made[name] = convert(value, _member(path, name), depth)
    return made


def _array(values: Any, path: str, depth: int) -> list[Any]:
    _check_depth(depth)
    return [convert(value, f"{path}[{at}]", depth) for at, value in enumerate(values)]


def _check_depth(depth: int) -> None:
    if depth > MAX_RESULT_DEPTH:
        raise NoJsonError(f"the result is nested more than {MAX_RESULT_DEPTH} levels deep")


def _name(key: object, path: str) -> str:
    """Return a key as JSON has it: text, as `json.dumps` makes it of numbers, true, false, null."""
    value = convert(key, f"{path}, the key {_shown(key)}", 0) if _is_plain(key) else key
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, (bool, int, float)):
        return json.dumps(value)
    raise NoJsonError(f"{path}: a key of JSON is text, not {kind(key)}: {_shown(key)}")


def _is_plain(key: object) -> bool:
    return not isinstance(key, (tuple, frozenset)) and not dataclasses.is_dataclass(key)


def _shown(value: object) -> str:
    return ascii(value)[:60]


def _member(path: str, name: str) -> str:
    return f"{path}.{name}" if name.isidentifier() else f"{path}[{_shown(name)}]"


def _text(value: str, path: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise NoJsonError(f"{path}: text with half a character (a lone surrogate)") from None
    return str.__str__(value)


def _int(value: int, path: str) -> int:
    number = int(value)
    try:
        str(number)
    except ValueError:  # Python's own limit, 4,300 digits, which whatever reads it has as well
        raise NoJsonError(f"{path}: an integer of more than 4,300 digits") from None
    return number


def _float(value: float, _path: str) -> float | None:
    return float(value) if math.isfinite(value) else None


def _decimal(value: Decimal, path: str) -> int | float | None:
    if not value.is_finite():
        return None
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and 0 <= exponent <= MAX_RESULT_DEPTH:
        return _int(int(value), path)
    return _float(float(value), path)


def _time(value: date | time, _path: str) -> str | None:
    return None if kind(value) in PANDAS_NULLS else value.isoformat()


def _duration(value: timedelta, path: str) -> float | None:
    return _float(value.total_seconds(), path)


def _plain_text(value: object, path: str) -> str:
    return _text(str(value), path)


CONVERSIONS: tuple[tuple[type | tuple[type, ...], Callable[[Any, str], Any]], ...] = (
    (str, _text),
    (int, _int),
    (float, _float),
    ((datetime, date, time), _time),
    (Decimal, _decimal),
    (timedelta, _duration),
    ((PurePath, UUID), _plain_text),
)


def _of_a_library(value: Any, path: str, depth: int) -> Any:
    """Convert what numpy and pandas have; they are known by name, as neither need be installed."""
    module = type(value).__module__.partition(".")[0]
    if module == "pandas" and kind(value) in PANDAS_NULLS:
        return None
    if module == "numpy" and hasattr(value, "dtype") and hasattr(value, "tolist"):
        if value.dtype.kind == "M":  # nanoseconds would become numbers: as text they are dates
            value = value.astype(str)
            return _nulls(value.tolist(), path, depth)
        if value.dtype.kind == "m":
            value = value / value.dtype.type(1, "s")  # seconds; `NaT` becomes NaN
        plain = value.tolist()
        if type(plain) is not type(value):
            return convert(plain, path, depth)
    raise NoJsonError(f"{path}: {kind(value)} is no JSON{hint(value)}")


def _nulls(value: Any, path: str, depth: int) -> Any:
    """Return the texts of numpy's dates, `NaT` as null."""
    if isinstance(value, list):
        _check_depth(depth + 1)
        return [_nulls(each, path, depth + 1) for each in value]
    return None if value == "NaT" else value
