"""Results in the order of the universe, with the items that have none where that is asked for.

Those of the table are in the order of their items' bytes; here the items are read first, from the
chunks of the universe, and then their results, a hundred a call and several calls at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from batchctl.contract.job_record import JobRecord
from batchctl.contract.statuses import TaskStatus
from handlers.store.jobs import JobStore
from handlers.store.results import KEYS_PER_CALL, MAX_PAGE_BYTES, entry_bytes

READERS = 5
MAX_WINDOWS = 10
"""So many times `limit` items are read, at most, for one page that has a result."""


@dataclass(frozen=True)
class Entry:
    """An item with its index in the universe, and parameters of its own, JSON, where it has any."""

    index: int
    item: str
    own: str | None


@dataclass(frozen=True)
class OrderedPage:
    """Results by item, in the order of the universe; `next`: the index at which more begins."""

    results: dict[str, dict[str, object]]
    next: int | None


@dataclass(frozen=True)
class UniverseOrder:
    """Reads the results of jobs of one table."""

    store: JobStore

    def page(self, job: JobRecord, limit: int, start: int, *, every: bool) -> OrderedPage:
        """Return up to `limit` results of the items from index `start` on: fewer when they are big.

        With `every`, items without a result are in it as well, as PENDING.
        """
        results, size = dict[str, dict[str, object]](), 0
        for _ in range(MAX_WINDOWS):
            window = list(self._entries(job, start, start + limit))
            for entry, result in self._with_results(job, window, every=every):
                size += entry_bytes(entry.item, result)
                if size > MAX_PAGE_BYTES and results:
                    return OrderedPage(results, entry.index)
                results[entry.item] = result
            start += limit
            if start >= job.items:
                return OrderedPage(results, None)
            if results:
                break
        return OrderedPage(results, start)

    def of_items(self, job: JobRecord, items: list[str]) -> dict[str, dict[str, object]]:
        """Return the results of a hundred items at most, of those that have one."""
        return self.store.results.of_items(job.results_partition, items)

    def index_after(self, job: JobRecord, item: str) -> int | None:
        """Return the index after that of an item of the universe; `None` when it isn't in it."""
        for chunk in self.store.universe.chunks(job):
            for index, each in chunk.numbered:
                if each == item:
                    return index + 1
        return None

    def _entries(self, job: JobRecord, start: int, stop: int) -> Iterator[Entry]:
        size = job.items_per_chunk
        for chunk in self.store.universe.chunks(job, 1, start // size, (stop - 1) // size):
            for index, item in chunk.numbered:
                if start <= index < stop:
                    yield Entry(index, item, chunk.own.get(index - chunk.start))

    def _with_results(
        self, job: JobRecord, window: list[Entry], *, every: bool
    ) -> Iterator[tuple[Entry, dict[str, object]]]:
        found = self._results(job, [entry.item for entry in window])
        for entry in window:
            result = found.get(entry.item)
            if result is None and not every:
                continue
            shown: dict[str, object] = {"index": entry.index}
            shown |= {"status": TaskStatus.PENDING} if result is None else result
            if entry.own is not None:
                shown["parameters"] = json.loads(entry.own)
            yield entry, shown

    def _results(self, job: JobRecord, items: list[str]) -> dict[str, dict[str, object]]:
        calls = [items[at : at + KEYS_PER_CALL] for at in range(0, len(items), KEYS_PER_CALL)]
        results: dict[str, dict[str, object]] = {}
        with ThreadPoolExecutor(max_workers=READERS) as pool:
            for found in pool.map(lambda call: self.of_items(job, call), calls):
                results |= found
        return results
