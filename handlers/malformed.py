"""Items as they are read: as strictly as if a stranger had written them, since one may have.

A job's container may write items of any job. What reads an item reads it by `Fields`, which raises
one error for all that can be wrong with it. Who reads many goes through `well_formed`, which leaves
the malformed ones out and counts them; `skipped.report()` says so in the log at the end of each
invocation, once, however many there were.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from handlers.log import logger, quoted

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
LONGEST_NUMBER = 200
"""DynamoDB's numbers have 38 digits and end at 10 to the 126th ("Supported data types and naming
rules"): written out they are shorter than this."""

LONGEST_SHOWN = 200

T = TypeVar("T")


class MalformedItemError(Exception):
    """An item isn't what its key says it is; `key` is its key in the table, quoted and bounded."""

    def __init__(self, item: Mapping[str, Any], why: str) -> None:
        """Keep which item it is and what is wrong with it."""
        self.key = shown_key(item)
        self.why = why
        super().__init__(f"item {self.key}: {why}")


def shown_key(item: Mapping[str, Any]) -> str:
    """Give the key of an item as one line of printable ASCII, cut to 200 characters."""
    parts = [_string(item.get(name)) for name in ("job_id", "item")]
    return quoted("/".join("?" if part is None else part for part in parts))[:LONGEST_SHOWN]


@dataclass(frozen=True)
class Fields:
    """The attributes of an item, or of a map within it, in DynamoDB's form.

    Each reader gives an attribute in the type that it must have, or raises MalformedItemError.
    """

    item: Mapping[str, Any]
    inner: Mapping[str, Any] | None = None

    def has(self, name: str) -> bool:
        """Tell whether there is such an attribute."""
        return name in self._attributes

    def text(self, name: str, form: re.Pattern[str] | None = None) -> str:
        """Give a string, one of that form."""
        found = _string(self._attributes.get(name))
        if found is None or (form is not None and not form.fullmatch(found)):
            raise self.malformed(name)
        return found

    def timestamp(self, name: str) -> str:
        """Give a point in time as `record.timestamp` writes it."""
        found = self.text(name, TIMESTAMP)
        try:
            datetime.fromisoformat(found)
        except ValueError as error:
            raise self.malformed(name) from error
        return found

    def whole(self, name: str, most: int, least: int = 0) -> int:
        """Give a whole number from `least` to `most`."""
        found = self._number(name)
        # Bounds first: to write out 10 to the billionth takes a gigabyte.
        if not least <= found <= most or found != int(found):
            raise self.malformed(name)
        return int(found)

    def decimal(self, name: str, most: float) -> float:
        """Give a number from 0 to `most`."""
        found = self._number(name)
        if not 0 <= found <= most:
            raise self.malformed(name)
        return float(found)

    def flag(self, name: str) -> bool:
        """Give a boolean."""
        found = self._value(name, "BOOL")
        if not isinstance(found, bool):
            raise self.malformed(name)
        return found

    def inside(self, name: str) -> Fields:
        """Give the attributes of a map."""
        return self._map(name, self._attributes.get(name))

    def maps(self, name: str, most: int) -> list[Fields]:
        """Give a list of maps, `most` of them at most."""
        return [self._map(name, entry) for entry in self._list(name, most)]

    def texts(self, name: str, most: int) -> list[str]:
        """Give a list of strings, `most` of them at most."""
        found = [_string(entry) for entry in self._list(name, most)]
        if any(each is None for each in found):
            raise self.malformed(name)
        return [each for each in found if each is not None]

    def malformed(self, name: str) -> MalformedItemError:
        """Give the error that says that an attribute is missing or isn't what it must be."""
        return MalformedItemError(self.item, f"its attribute `{name}` is missing or malformed")

    @property
    def _attributes(self) -> Mapping[str, Any]:
        return self.item if self.inner is None else self.inner

    def _number(self, name: str) -> Decimal:
        found = self._value(name, "N")
        if not isinstance(found, str) or len(found) > LONGEST_NUMBER:
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


class Skipped:
    """What the present invocation has left out, for one line of its log."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.count = 0
        self.first: MalformedItemError | None = None

    def note(self, error: MalformedItemError) -> None:
        """Count an item that was left out."""
        self.count += 1
        self.first = self.first or error

    def report(self) -> None:
        """Say in the log what was left out, if anything, and begin again with nothing."""
        if self.first is not None:
            logger.warning(
                "skipped a malformed item",
                items=self.count,
                first=self.first.key,
                why=self.first.why,
            )
        self.count, self.first = 0, None


skipped = Skipped()


@contextmanager
def reporting_skipped() -> Iterator[None]:
    """Report what was left out within, however it ends."""
    try:
        yield
    finally:
        skipped.report()


def well_formed(
    items: Iterable[Mapping[str, Any]], read: Callable[[Mapping[str, Any]], T]
) -> Iterator[T]:
    """Give what `read` makes of each item; leave out the malformed ones, and count them."""
    for item in items:
        try:
            made = read(item)
        except MalformedItemError as error:
            skipped.note(error)
        else:
            yield made
