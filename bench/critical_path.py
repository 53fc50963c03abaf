"""What a traced run says: its calls, its writes, and the critical path of its graph.

A resource's own latency is the time in which a call of its own was under way. The critical path is
the longest chain of resources by that latency, walk after walk (plan, then apply), and the calls
outside the walks. No scheduler could be faster without making fewer calls.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

READING = ("Get", "List", "Describe")


@dataclass(frozen=True)
class Trace:
    """The calls of a run, and the graph of each walk: for each address those that come before."""

    calls: Sequence[Mapping[str, Any]]
    walks: Sequence[Mapping[str, Sequence[str]]]

    @property
    def writes(self) -> int:
        """How many calls change something."""
        return sum(not self._name(call).startswith(READING) for call in self.calls)

    @property
    def critical_path(self) -> tuple[float, int]:
        """The seconds of the longest chain, and how many calls one after the other it has."""
        outside = [call for call in self.calls if call["walk"] is None]
        chains = [_busy(outside), *map(self._longest_chain, range(len(self.walks)))]
        return sum(seconds for seconds, _ in chains), sum(count for _, count in chains)

    def _longest_chain(self, walk: int) -> tuple[float, int]:
        graph = self.walks[walk]
        ends: dict[str, tuple[float, int]] = {}
        for address in TopologicalSorter(graph).static_order():
            before = max((ends[each] for each in graph[address]), default=(0.0, 0))
            seconds, count = _busy(self._of(walk, address))
            ends[address] = (before[0] + seconds, before[1] + count)
        return max(ends.values(), default=(0.0, 0))

    def _of(self, walk: int, address: str) -> list[Mapping[str, Any]]:
        return [c for c in self.calls if (c["walk"], c["address"]) == (walk, address)]

    @staticmethod
    def _name(call: Mapping[str, Any]) -> str:
        return str(call["operation"]).partition(".")[2]


def read_trace(path: Path) -> Trace:
    """Return what `traced.py` wrote."""
    data = json.loads(path.read_text(encoding="utf-8"))
    return Trace(data["calls"], data["walks"])


def _busy(calls: Iterable[Mapping[str, Any]]) -> tuple[float, int]:
    """Return the seconds in which one of `calls` was under way, in how many stretches."""
    stretches = list(_merged(sorted((call["started"], call["ended"]) for call in calls)))
    return sum(end - start for start, end in stretches), len(stretches)


def _merged(spans: Iterable[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    start, end = None, 0.0
    for next_start, next_end in spans:
        if start is None:
            start, end = next_start, next_end
        elif next_start < end:
            end = max(end, next_end)
        else:
            yield start, end
            start, end = next_start, next_end
    if start is not None:
        yield start, end
