"""Items of the job table as they are read: as strictly as if a stranger had written them.

One may have: a job's container may write items of any job. What reads an item reads it by `Fields`,
which raises one error for all that can be wrong with it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from batchctl.contract.table import PARTITION_KEY, SORT_KEY
from batchctl.contract.timestamps import TIMESTAMP, seconds

MAX_NUMBER_CHARACTERS = 200
"""DynamoDB's numbers have 38 digits and end at 10 to the 126th ("Supported data types and naming
rules"): written out they are shorter than this."""

MAX_KEY_CHARACTERS = 200
"""What an error shows of a key."""

MAX_SECONDS = 1e12
MAX_COUNT = 10**9
MAX_EPOCH_S = 10**11
"""Bounds of what is plausible, far beyond what happens: what is above is no number of ours."""


class MalformedItemError(Exception):
    """An item isn't what its key says it is; `key` is its key in the table, quoted and bounded."""

    def __init__(self, item: Mapping[str, Any], why: str) -> None:
        """Keep which item it is and what is wrong with it."""
        self.key = shown_key(item)
        self.why = why
        super().__init__(f"item {self.key}: {why}")


def shown_key(item: Mapping[str, Any]) -> str:
    """Return the key of an item as one line of printable ASCII, cut to 200 characters."""
    parts = [_string(item.get(name)) for name in (PARTITION_KEY, SORT_KEY)]
    return quoted("/".join("?" if part is None else part for part in parts))[:MAX_KEY_CHARACTERS]


def quoted(value: object) -> str:
    """Return a value as JSON in printable ASCII, one line; what JSON doesn't know by its `str`."""
    text = json.dumps(value, default=str, separators=(",", ":"), skipkeys=True)
    # DEL is the one control character that JSON leaves as it is.
    return text.replace("\x7f", "\\u007f")


@dataclass(frozen=True)
class Fields:
    """The attributes of an item, or of a map within it, in DynamoDB's form.

    Each reader gives an attribute in the type that it must have, or raises MalformedItemError.
    """

    item: Mapping[str, Any]
    inner: Mapping[str, Any] | None = None

    def has(self, name: str) -> bool:
        """Whether there is such an attribute."""
        return name in self._attributes

    def text(self, name: str, form: re.Pattern[str] | None = None) -> str:
        """Return a string, one of that form."""
        found = _string(self._attributes.get(name))
        if found is None or (form is not None and not form.fullmatch(found)):
            raise self.malformed(name)
        return found

    def timestamp(self, name: str) -> str:
        """Return a point in time as `timestamps.timestamp` writes it."""
        found = self.text(name, TIMESTAMP)
        try:
            seconds(found)
        except ValueError as error:
            raise self.malformed(name) from error
        return found

    def whole(self, name: str, most: int, least: int = 0) -> int:
        """Return a whole number from `least` to `most`."""
        found = self._number(name)
        # Bounds first: to write out 10 to the billionth takes a gigabyte.
        if not least <= found <= most or found != int(found):
            raise self.malformed(name)
        return int(found)

    def decimal(self, name: str, most: float) -> float:
        """Return a number from 0 to `most`."""
        found = self._number(name)
        if not 0 <= found <= most:
            raise self.malformed(name)
        return float(found)

    def binary(self, name: str, most: int) -> bytes:
        """Return bytes, `most` of them at most."""
        found = self._value(name, "B")
        if not isinstance(found, bytes) or len(found) > most:
            raise self.malformed(name)
        return found

    def flag(self, name: str) -> bool:
        """Return a boolean."""
        found = self._value(name, "BOOL")
        if not isinstance(found, bool):
            raise self.malformed(name)
        return found

    def counts(self, name: str, most: int) -> dict[str, int]:
        """Return a map of whole numbers from 0 on, `most` of them at most."""
        found = self.inside(name)
        names = list(found.inner or ())
        if len(names) > most:
            raise self.malformed(name)
        return {each: found.whole(each, MAX_COUNT) for each in names}

    def inside(self, name: str) -> Fields:
        """Return the attributes of a map."""
        return self._map(name, self._attributes.get(name))

    def maps(self, name: str, most: int) -> list[Fields]:
        """Return a list of maps, `most` of them at most."""
        return [self._map(name, entry) for entry in self._list(name, most)]

    def texts(self, name: str, most: int) -> list[str]:
        """Return a list of strings, `most` of them at most."""
        found = [_string(entry) for entry in self._list(name, most)]
        if any(each is None for each in found):
            raise self.malformed(name)
        return [each for each in found if each is not None]

    def malformed(self, name: str) -> MalformedItemError:
        """Return the error that says that an attribute is missing or isn't what it must be."""
        return MalformedItemError(self.item, f"its attribute `{name}` is missing or malformed")

    @property
    def _attributes(self) -> Mapping[str, Any]:
        return self.item if self.inner is None else self.inner

    def _number(self, name: str) -> Decimal:
        found = self._value(name, "N")
        if not isinstance(found, str) or len(found) > MAX_NUMBER_CHARACTERS:
            raise self.malformed(name)
        try:
            number = Decimal(found)
        except InvalidOperation as error:
            raise self.malformed(name) from error
        if not number.is_finite():
            raise self.malformed(name)
        return number

    def _list(self, name: str, most: int) -> list[Any]:
        found = self._value(name, "L")
        if not isinstance(found, list) or len(found) > most:
            raise self.malformed(name)
        return found

    def _map(self, name: str, value: object) -> Fields:
        found = value.get("M") if isinstance(value, Mapping) else None
        if not isinstance(found, Mapping):
            raise self.malformed(name)
        return Fields(self.item, found)

    def _value(self, name: str, kind: str) -> object:
        value = self._attributes.get(name)
        return value.get(kind) if isinstance(value, Mapping) else None


def _string(value: object) -> str | None:
    found = value.get("S") if isinstance(value, Mapping) else None
    return found if isinstance(found, str) else None
