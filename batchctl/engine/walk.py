"""Walk a graph of addresses: ready nodes run in parallel, a failure stops only its dependents."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from concurrent.futures import Future
from dataclasses import dataclass, field
from graphlib import TopologicalSorter

from batchctl.aws.workers import Threads, Workers
from batchctl.errors import Interrupted, RunOver

# Why work was skipped that depends on nothing that failed.
INTERRUPTED = "interrupted"
OVER = frozenset(kind.in_short for kind in RunOver.__subclasses__())


@dataclass(frozen=True)
class WalkOutcome:
    """The result of a walk: errors by address, and what was skipped because of which address.

    `ended_by` is an error that concerns no single node: no work could succeed after it.
    """

    failed: Mapping[str, BaseException] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)
    interrupted: bool = False
    ended_by: RunOver | None = None

    @property
    def complete(self) -> bool:
        """Whether all the work was done."""
        return not (self.failed or self.skipped or self.interrupted or self.ended_by)

    def and_of(self, other: WalkOutcome) -> WalkOutcome:
        """Return the result of two walks of one run."""
        return WalkOutcome(
            {**self.failed, **other.failed},
            {**self.skipped, **other.skipped},
            self.interrupted or other.interrupted,
            self.ended_by or other.ended_by,
        )


def walk(
    graph: Mapping[str, AbstractSet[str]],
    work: Callable[[str], None],
    stop: threading.Event,
    workers: Callable[[], Workers] = Threads,
) -> WalkOutcome:
    """Call `work(address)` for every node after its predecessors, several at the same time.

    `graph` gives for each address the addresses that must come first. When `stop` is set, no new
    work starts; running work is waited for. Errors of `work` are collected, never raised; after a
    RunOver no new work starts either.
    """
    sorter = TopologicalSorter(graph)
    sorter.prepare()
    run = _Run(graph)
    with workers() as pool:
        while sorter.is_active():
            for address in sorter.get_ready():
                run.begin(address, pool, work, stop)
            for address in run.ended(pool):
                sorter.done(address)
    return run.outcome()


class _Run:
    """The bookkeeping of one walk."""

    def __init__(self, graph: Mapping[str, AbstractSet[str]]) -> None:
        self._graph = graph
        self._running: dict[Future[None], str] = {}
        self._passed_over: list[str] = []
        self._failed: dict[str, BaseException] = {}
        self._skipped: dict[str, str] = {}
        self._interrupted = False
        self._ended_by: RunOver | None = None

    def begin(
        self,
        address: str,
        pool: Workers,
        work: Callable[[str], None],
        stop: threading.Event,
    ) -> None:
        cause = self._cause_to_skip(address)
        if cause is not None:
            self._skipped[address] = cause
            self._passed_over.append(address)
        elif self._ended_by is not None:
            self._skipped[address] = self._ended_by.in_short
            self._passed_over.append(address)
        elif stop.is_set():
            self._interrupted = True
            self._skipped[address] = INTERRUPTED
            self._passed_over.append(address)
        else:
            self._running[pool.begin(work, address)] = address

    def ended(self, pool: Workers) -> list[str]:
        """Return the addresses that ended since the last call; wait for one if none did."""
        ended, self._passed_over = self._passed_over, []
        if ended or not self._running:
            return ended
        for future in pool.wait_for_one(self._running):
            address = self._running.pop(future)
            self._note_error(address, future.exception())
            ended.append(address)
        return ended

    def outcome(self) -> WalkOutcome:
        return WalkOutcome(self._failed, self._skipped, self._interrupted, self._ended_by)

    def _cause_to_skip(self, address: str) -> str | None:
        for before in sorted(self._graph[address]):
            if before in self._failed:
                return before
            if before in self._skipped:
                return self._skipped[before]
        return None

    def _note_error(self, address: str, error: BaseException | None) -> None:
        if isinstance(error, Interrupted):
            self._interrupted = True
            self._skipped[address] = INTERRUPTED
        elif isinstance(error, RunOver):
            self._ended_by = self._ended_by or error
            self._skipped[address] = error.in_short
        elif error is not None:
            self._failed[address] = error
