"""The universe of a request, checked: items as strings, or as objects with parameters of their own.

A list of a million is gone through in one loop, with the full check only for what isn't plainly
fine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Never

from batchctl.contract.chunks import Own
from batchctl.contract.limits import (
    MAX_ITEM_BYTES,
    MAX_ITEM_CHARACTERS,
    MAX_ITEMS,
    MAX_OWN_PARAMETERS_BYTES,
)
from batchctl.contract.strict_json import Doubled
from handlers.http.front_door import RequestError
from handlers.http.parameters import canonical_parameters

ENTRY_FIELDS = frozenset({"item", "parameters"})


@dataclass(frozen=True)
class Entries:
    """Items, distinct and in their order; `own` are parameters of theirs, by index."""

    items: Sequence[str]
    own: Own


def universe(value: object) -> Entries:
    """Return a universe; raises RequestError (400), which names the item that is wrong."""
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_ITEMS:
        raise RequestError(400, f"must be a list of 1 to {MAX_ITEMS} items", "universe")
    items, own = _separated(value)
    if len(set(items)) != len(items):
        _refuse_duplicate(items)
    return Entries(items, own)


def _separated(value: list[Any]) -> tuple[list[str], dict[int, str]]:
    items, own = list[str](), dict[int, str]()
    for index, entry in enumerate(value):
        item = entry
        if type(entry) is not str:
            item = _item_of(index, entry)
            parameters = entry.get("parameters")
            if parameters:
                own[index] = _own(index, parameters)
            elif parameters is not None and parameters != {}:
                _refuse_item(index, "has `parameters` that are no JSON object")
        if not 0 < len(item) <= MAX_ITEM_CHARACTERS:
            _refuse_item(index, _RULE)
        if not item.isascii():
            _check_bytes(index, item)
        items.append(item)
    return items, own


_RULE = (
    f"must be a string of 1 to {MAX_ITEM_CHARACTERS} characters, or an object with such an `item` "
    "and its `parameters`"
)


def _item_of(index: int, entry: object) -> str:
    if not isinstance(entry, dict):
        _refuse_item(index, _RULE)
    if isinstance(entry, Doubled):
        _refuse_item(index, f"has `{entry.doubled[:100]}` twice")
    unknown = next((name for name in entry if name not in ENTRY_FIELDS), None)
    if unknown is not None:
        _refuse_item(index, f"has `{unknown[:100]}`: it may have `item` and `parameters`")
    item = entry.get("item")
    if not isinstance(item, str):
        _refuse_item(index, _RULE)
    return item


def _own(index: int, parameters: object) -> str:
    return canonical_parameters(
        parameters, f"universe[{index}].parameters", MAX_OWN_PARAMETERS_BYTES
    )


def _check_bytes(index: int, item: str) -> None:
    try:
        size = len(item.encode())
    except UnicodeEncodeError:
        _refuse_item(index, "has half of a surrogate pair, which isn't a character")
    if size > MAX_ITEM_BYTES:
        _refuse_item(
            index,
            f"has {size} bytes in UTF-8: at most {MAX_ITEM_BYTES}, as it is part of a key of the "
            "job table",
        )


def _refuse_item(index: int, error: str) -> Never:
    raise RequestError(400, error, f"universe[{index}]")


def _refuse_duplicate(items: Sequence[str]) -> Never:
    first: dict[str, int] = {}
    for index, item in enumerate(items):
        if first.setdefault(item, index) != index:
            _refuse_item(index, f"is the same as universe[{first[item]}]: items must be distinct")
    raise AssertionError  # a set of them was smaller
