"""The groups in which resources are shown: what each is for, in words, in one order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

T = TypeVar("T")


def grouped(of: Iterable[T], group: Callable[[T], str]) -> dict[str, list[T]]:
    """Return what there is of each group, in the order in which a job passes through them."""
    from batchctl.engine.graph import Group  # noqa: PLC0415 - loads boto3, which no help needs

    found: dict[str, list[T]] = {each.value: [] for each in Group}
    for each in of:
        found[group(each)].append(each)
    return {name: members for name, members in found.items() if members}


def heading(group: str, purposes: Mapping[str, str], said: str = "") -> str:
    """Return the line of a group: `queue: jobs wait here (2 to create)`."""
    words = f": {purposes[group]}" if purposes.get(group) else ""
    return f"{group}{words}{f' ({said})' if said else ''}"
