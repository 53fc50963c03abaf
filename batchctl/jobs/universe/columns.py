"""Of what kind a column of CSV is: by all of its cells, so that ids such as `000002` stay text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from enum import StrEnum

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
"""A number of JSON: no leading zero, no `+`, no `NaN`; such are text."""

_BOOLEANS = {"true": True, "false": False}
_MAX_DIGITS = 300
"""Longer ones are no numbers that anybody means, and 1e999 would be infinity."""


class Kind(StrEnum):
    """What the cells of a column are read as."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "yes or no"

    def read(self, cell: str) -> object:
        """Return what a cell says; text stays as it stands, whitespace included."""
        if self is Kind.NUMBER:
            return json.loads(cell.strip())
        if self is Kind.BOOLEAN:
            return _BOOLEANS[cell.strip().lower()]
        return cell


def kind_of(cells: Iterable[str]) -> Kind:
    """Return the kind that all cells have, the empty ones aside; TEXT where they differ."""
    kinds = {_kind(cell.strip()) for cell in cells if cell and not cell.isspace()}
    return kinds.pop() if len(kinds) == 1 else Kind.TEXT


def _kind(cell: str) -> Kind:
    if _NUMBER.fullmatch(cell) and len(cell) < _MAX_DIGITS and abs(float(cell)) < float("inf"):
        return Kind.NUMBER
    return Kind.BOOLEAN if cell.lower() in _BOOLEANS else Kind.TEXT
