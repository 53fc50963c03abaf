"""A universe as JSON Lines: a string a line, or an object with the item and its parameters."""

from __future__ import annotations

import json
from typing import Any

from batchctl.contract.strict_json import Doubled, loads, marking_doubled
from batchctl.jobs.api.new_task import Entry
from batchctl.jobs.universe.rows import DEFAULT_COLUMN, Reading, Rows

_API_FIELDS = {"item", "parameters"}
_KINDS = {str: "text", bool: "yes or no", int: "number", float: "number", list: "list"}


def read_json_lines(text: str, reading: Reading) -> Rows:
    """Read an entry a line; blank lines are left out. Raises UsageError, naming the line.

    An object has the item under `item`, or its first key, and parameters under the others; the
    API's own `{"item": …, "parameters": {…}}` is read as such.
    """
    entries, lines, comments = list[Entry](), list[int](), 0
    kinds = dict[str, str]()
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.strip()
        if reading.comment and stripped.startswith(reading.comment):
            comments += 1
        elif stripped:
            entry = _entry(_parsed(stripped, number, reading), number, reading)
            if not isinstance(entry, str):
                _note_kinds(entry, kinds)
            entries.append(entry)
            lines.append(number)
    return Rows(entries, lines, None, kinds, comments, reading.comment or "")


def _parsed(line: str, number: int, reading: Reading) -> Any:
    try:
        return loads(line, marking_doubled)
    except json.JSONDecodeError as error:
        hint = None
        if number == 1 and line in ("[", "[{"):
            hint = "JSON Lines has an object a line, without the brackets around them"
        reading.refuse(number, f"is no JSON: {error.msg} at column {error.colno}", hint)
    except (ValueError, RecursionError):
        reading.refuse(number, "has NaN, or a number or a nesting beyond bounds")


def _entry(value: Any, number: int, reading: Reading) -> Entry:
    if isinstance(value, str):
        return value.strip() or reading.refuse(number, "has an empty item")
    if not isinstance(value, dict):
        reading.refuse(number, "is neither a string nor an object")
    if isinstance(value, Doubled):
        reading.refuse(number, f"has the key `{value.doubled}` twice")
    if value.keys() == _API_FIELDS and isinstance(value["parameters"], dict):
        parameters = value["parameters"]
        column = DEFAULT_COLUMN
    else:
        if not value:
            reading.refuse(number, "has an object without keys")
        column = _column(value, number, reading)
        parameters = {key: each for key, each in value.items() if key != column}
    item = value[column]
    if not isinstance(item, str):
        reading.refuse(
            number, f"has `{column}` {json.dumps(item)[:40]}: an item is a string, in quotes"
        )
    item = item.strip() or reading.refuse(number, "has an empty item")
    return {"item": item, "parameters": parameters} if parameters else item


def _column(value: dict[str, Any], number: int, reading: Reading) -> str:
    if reading.item_column is not None and reading.item_column not in value:
        reading.refuse(number, f"has no key `{reading.item_column}`")
    return reading.column(tuple(value))


def _note_kinds(entry: Any, kinds: dict[str, str]) -> None:
    for key, value in entry["parameters"].items():
        kind = "object" if isinstance(value, dict) else _KINDS.get(type(value), "null")
        if kinds.setdefault(key, kind) != kind:
            kinds[key] = "mixed"
