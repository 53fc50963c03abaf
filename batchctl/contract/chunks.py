"""Items with parameters of their own, and a chunk of a universe in DynamoDB's form.

A chunk of plain items has them in `items`, a list of strings. Where one has parameters of its own,
and in what came in parts, all are in `packed`: the gzip of a JSON list, in which an item is a
string, or `{"item": …, "parameters": {…}}` as in a request.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from batchctl.contract.limits import MAX_ITEM_BYTES
from batchctl.contract.table import Item, text

Own = Mapping[int, str]
"""Items' own parameters: canonical JSON objects, by the index of their item."""

NONE: Own = {}
"""No item has parameters of its own."""

MAX_PACKED_JSON_BYTES = 2 * 1024 * 1024
"""Far more than the JSON of a chunk has: its items take 64 KB, and escapes three times as many."""

COMPRESSION = 6


class MalformedListError(ValueError):
    """What should be a list of items is none."""


def canonical(value: object) -> str:
    """Return JSON with sorted keys, without spaces, in ASCII; ValueError for what is no JSON."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def listed(items: Sequence[str], own: Own = NONE) -> str:
    """Return items as canonical JSON: a list of strings and objects, without its brackets."""
    if not own:
        return json.dumps(items, separators=(",", ":"))[1:-1]
    return ",".join(_written(item, own.get(index)) for index, item in enumerate(items))


def read_list(content: str | bytes) -> tuple[list[str], dict[int, str]]:
    """Return the items of such a list, in its brackets, and their own parameters.

    Raises ValueError for what is none.
    """
    entries = json.loads(content)
    if not isinstance(entries, list):
        raise MalformedListError("no list")
    own = dict(_own(entries))
    items = entries if not own else [_name(entry) for entry in entries]
    if not all(isinstance(item, str) for item in items):
        raise MalformedListError("no item")
    return items, own


def names_in(content: bytes) -> list[str]:
    """Return the items of such a list that we have written: without a check of anything."""
    return [_name(entry) for entry in json.loads(content)]


def attributes(items: Sequence[str], own: Own = NONE, *, packed: bool = False) -> Item:
    """Return the attributes of a chunk; `packed` also where no item has parameters."""
    if not own and not packed:
        return {"items": {"L": [text(item) for item in items]}}
    content = f"[{listed(items, own)}]".encode()
    return {"packed": {"B": gzip.compress(content, COMPRESSION, mtime=0)}}


def entries_in(record: Mapping[str, Any], most: int) -> tuple[list[str], dict[int, str]]:
    """Return the items of a chunk, `most` at most, and their own parameters.

    As strictly as if a stranger had written it: raises ValueError.
    """
    items, own = _plain(record), dict[int, str]()
    if items is None:
        items, own = read_list(_inflated(record))
    if not 0 < len(items) <= most or not all(map(is_item, items)):
        raise MalformedListError("malformed")
    return items, own


def is_item(value: object) -> bool:
    """Whether it can be an item, which is part of a key: neither empty nor too long."""
    return isinstance(value, str) and 0 < len(value.encode(errors="replace")) <= MAX_ITEM_BYTES


def _plain(record: Mapping[str, Any]) -> list[Any] | None:
    value = record.get("items")
    if value is None:
        return None
    entries = value.get("L") if isinstance(value, dict) else None
    if not isinstance(entries, list):
        raise MalformedListError("no list")
    return [entry.get("S") if isinstance(entry, dict) else None for entry in entries]


def _inflated(record: Mapping[str, Any]) -> bytes:
    value = record.get("packed")
    packed = value.get("B") if isinstance(value, dict) else None
    if not isinstance(packed, bytes):
        raise MalformedListError("no items")
    inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        content = inflater.decompress(packed, MAX_PACKED_JSON_BYTES)
    except zlib.error as error:
        raise MalformedListError(str(error)) from error
    if not inflater.eof:
        raise MalformedListError("cut, or too long")
    return content


def _own(entries: Sequence[Any]) -> Iterator[tuple[int, str]]:
    for index, entry in enumerate(entries):
        if type(entry) is not str:
            if not isinstance(entry, dict) or not isinstance(entry.get("parameters"), dict):
                raise MalformedListError("no item")
            yield index, canonical(entry["parameters"])


def _name(entry: Any) -> Any:
    return entry if type(entry) is str else entry.get("item")


def _written(item: str, own: str | None) -> str:
    name = json.dumps(item)
    return name if own is None else f'{{"item":{name},"parameters":{own}}}'
