"""What differs between what we want and what AWS has: key by key, only the keys that we own."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
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


def at_path(properties: Properties, path: str) -> Any:
    """Return the value at a dotted path, whose keys may have dots; None when there is none."""
    for key, value in properties.items():
        if key == path:
            return value
        if path.startswith(f"{key}.") and isinstance(value, Mapping):
            found = at_path(value, path.removeprefix(f"{key}."))
            if found is not None:
                return found
    return None


def leaving(desired: Properties, actual: Properties, paths: Collection[str]) -> Properties:
    """Return what is desired with what AWS has at these paths, as a difference spells them."""
    return _leaving("", desired, actual, paths) if paths else desired


def _leaving(
    prefix: str, desired: Properties, actual: Properties, paths: Collection[str]
) -> Properties:
    merged = dict(desired)
    keys = (*desired, *actual) if isinstance(desired, Document) else desired
    for key in dict.fromkeys(keys):
        path, new, old = f"{prefix}{key}", desired.get(key), actual.get(key)
        if path in paths and key in actual:
            merged[key] = old
        elif path in paths:
            merged.pop(key, None)
        elif isinstance(new, Mapping) and isinstance(old, Mapping):
            merged[key] = _leaving(f"{path}.", new, old, paths)
    return Document(merged) if isinstance(desired, Document) else merged


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
