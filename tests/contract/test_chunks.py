"""Chunks of a universe: what is written is read again, and what isn't one is refused."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchctl.contract.chunks import attributes, canonical, entries_in, listed, read_list

ITEMS = st.lists(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=20), min_size=1, unique=True
)
OBJECTS = st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3), min_size=1)


@given(ITEMS, st.dictionaries(st.integers(0, 9), OBJECTS))
def test_a_chunk_is_read_as_it_was_written(items: list[str], own: dict[int, Any]) -> None:
    given_own = {at: canonical(each) for at, each in own.items() if at < len(items)}
    for packed in (False, True):
        assert entries_in(attributes(items, given_own, packed=packed), 250) == (items, given_own)


def test_plain_items_are_a_list_of_strings_as_they_always_were() -> None:
    assert attributes(["A", "B"]) == {"items": {"L": [{"S": "A"}, {"S": "B"}]}}


def test_items_without_parameters_are_listed_as_a_list_of_strings_is() -> None:
    items = ["A", "é", '"']
    assert f"[{listed(items)}]" == json.dumps(items, separators=(",", ":"))
    assert f"[{listed(items, {1: canonical({'b': 1, 'a': 2})})}]" == (
        r'["A",{"item":"\u00e9","parameters":{"a":2,"b":1}},"\""]'
    )


def packed(content: bytes) -> dict[str, Any]:
    return {"packed": {"B": gzip.compress(content)}}


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"items": {"S": "A"}},
        {"items": {"L": []}},
        {"items": {"L": [{"N": "1"}]}},
        {"items": {"L": [{"S": ""}]}},
        {"items": {"L": [{"S": "x" * 1018}]}},
        {"items": {"L": [{"S": "A"}] * 3}},
        {"packed": {"S": "A"}},
        {"packed": {"B": b"A"}},
        {"packed": {"B": gzip.compress(b'["A"]')[:-9]}},
        packed(b"[" + b" " * 3_000_000 + b'"A"]'),
        packed(b'{"item": "A"}'),
        packed(b"[1]"),
        packed(b'[{"item": 1, "parameters": {}}]'),
        packed(b'[{"item": "A"}]'),
        packed(b'[{"parameters": {}}]'),
        packed(b'["A", {"item": "B", "parameters": []}]'),
    ],
)
def test_what_is_no_chunk_is_refused(record: dict[str, Any]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever is wrong with it
        entries_in(record, 2)


def test_a_list_of_strings_has_no_parameters() -> None:
    assert read_list(b'["A","B"]') == (["A", "B"], {})
