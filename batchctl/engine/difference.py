"""What differs between what we want and what AWS has: key by key, only the keys that we own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from batchctl.resource import Document, Properties, is_unknown, unknown_output


@dataclass(frozen=True)
class Change:
    """One attribute that differs: `path` is the property and, dotted, the keys inside it."""

    path: str
    old: Any
    new: Any

    @property
    def top(self) -> str:
        """The top-level key of `desired` that the change belongs to."""
        return self.path.partition(".")[0]

    @property
    def known(self) -> bool:
        """Whether the new value is known before `up`."""
        return not is_unknown(self.new)

    @property
    def comes_from(self) -> str | None:
        """The output (`queue.jobs.arn`) that the new value is to be; None for every other value."""
        return unknown_output(self.new)


def difference(desired: Properties, actual: Properties) -> tuple[Change, ...]:
    """Return the changes that would turn `actual` into `desired`.

    Only keys of `desired` count, at any depth; other keys of `actual` don't, except inside a
    Document, which is owned whole. Lists are compared in order.
    """
    return tuple(_changes("", desired, actual, owned_whole=False))


def attributes(desired: Properties) -> tuple[Change, ...]:
    """Return every attribute of a resource to be made, each by its own path, with no old value."""
    return tuple(_leaves("", desired))


def _leaves(prefix: str, desired: Mapping[str, Any]) -> Iterator[Change]:
    for key, new in desired.items():
        if isinstance(new, Mapping) and new:
            yield from _leaves(f"{prefix}{key}.", new)
        else:
            yield Change(f"{prefix}{key}", None, new)


def _changes(
    prefix: str, desired: Mapping[str, Any], actual: Mapping[str, Any], *, owned_whole: bool
) -> Iterator[Change]:
    owned_whole = owned_whole or isinstance(desired, Document)
    for key in dict.fromkeys((*desired, *actual) if owned_whole else desired):
        new, old = desired.get(key), actual.get(key)
        path = f"{prefix}{key}"
        if isinstance(new, Mapping) and isinstance(old, Mapping):
            yield from _changes(f"{path}.", new, old, owned_whole=owned_whole)
        elif new != old:
            yield Change(path, old, new)
