"""What watching a job tells beside its counts: how fast it goes, how long it takes, what failed.

Nothing here waits or prints: looks at a job come in, figures go out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

from batchctl.contract.statuses import ItemStatus
from batchctl.jobs.api.job import Job, Result
from batchctl.jobs.errors import Unreachable

if TYPE_CHECKING:  # it needs AWS, which no help loads
    from batchctl.jobs.diagnosis.turns import Turns

WINDOW_S = 60.0
"""The rate is that of the last minute: what came before says little about what comes."""
WAITS_AT_LEAST_S, NOTED_EVERY_S = 10.0, 60.0
"""A task takes some seconds to start: until then there is no problem."""
SCANS_TAKE_A_TENTH = 9.0
"""After reading all results for failures, nine times as long passes before they are read again."""


@dataclass
class Pace:
    """How fast the items of a job end, from looks at it; `clock` gives seconds.

    Tasks are counted where the API counts no items.
    """

    clock: Callable[[], float]
    _samples: deque[tuple[float, int]] = field(default_factory=deque)
    _counted: str = ""

    def take(self, job: Job) -> None:
        """Note how far the job is now; what is older than the window is forgotten."""
        now = self.clock()
        if job.counted != self._counted:
            self._samples.clear()
            self._counted = job.counted
        self._samples.append((now, job.progress.ended))
        while len(self._samples) > 2 and self._samples[1][0] <= now - WINDOW_S:
            self._samples.popleft()

    @property
    def per_s(self) -> float | None:
        """How many end in a second, None before any ended while we looked."""
        if len(self._samples) < 2:
            return None
        (since, before), (now, ended) = self._samples[0], self._samples[-1]
        return (ended - before) / (now - since) if now > since and ended > before else None

    def left_s(self, job: Job) -> float | None:
        """Return the seconds until the last one ends at this rate, None when there is no rate."""
        rate, counts = self.per_s, job.progress
        return None if rate is None else (counts.total - counts.ended) / rate


@dataclass
class Standing:
    """Says what stands before a job that waits; `turns` asks, and gives None to who may not.

    A job that has begun has had its turn.
    """

    turns: Callable[[], Turns | None]
    clock: Callable[[], float]
    _since: float | None = None
    _not_before: float = 0.0

    def note(self, job: Job) -> str | None:
        """Return it in one line, ten seconds after the first look and then every minute."""
        counts, now = job.progress, self.clock()
        if job.ended or counts.running or counts.ended:
            self._not_before = inf
            return None
        if self._since is None:
            self._since, self._not_before = now, now + WAITS_AT_LEAST_S
        if now < self._not_before:
            return None
        self._not_before = now + NOTED_EVERY_S
        found = self.turns()
        if found is None:
            self._not_before = inf
        if found is None or not found.others:
            return None
        return f"waiting for {now - self._since:.0f} s behind {found.before}; {found.used}"


@dataclass
class Failures:
    """Finds the failed items of a job while it runs, each once and `most` of them at most.

    `results` gives all results that there are. They are read only when more have failed than at
    the last time, and for a tenth of the time: there may be a million of them.
    """

    results: Callable[[], Iterable[Result]]
    clock: Callable[[], float]
    most: int
    reported: set[str] = field(default_factory=set)
    _failed: int = 0
    _not_before: float = 0.0

    def new(self, job: Job) -> list[Result]:
        """Return the failed items not reported yet; none while the API can't be reached."""
        if not self._worthwhile(job):
            return []
        started = self.clock()
        try:
            found = self._scan()
        except Unreachable:
            return []
        self._failed = job.progress.failed
        self.reported.update(result.item for result in found)
        ended = self.clock()
        self._not_before = ended + SCANS_TAKE_A_TENTH * (ended - started)
        return found

    def _worthwhile(self, job: Job) -> bool:
        failed = job.progress.failed
        if len(self.reported) >= self.most or not failed:
            return False
        return job.ended or (failed > self._failed and self.clock() >= self._not_before)

    def _scan(self) -> list[Result]:
        found: list[Result] = []
        for result in self.results():
            if result.status == ItemStatus.FAILED and result.item not in self.reported:
                found.append(result)
                if len(self.reported) + len(found) == self.most:
                    break
        return found
