"""The jobs of one queue that wait to be placed, and whose turn it is.

With a fair-share policy the turn is of the share that has had least, by what it has in use now and
what it has used before, which counts less and less (AWS Batch User Guide, "Share identifiers": the
usage of a share is its vCPUs over time, times its weight). Within a share the higher scheduling
priority goes first, then who came first. Without a policy all jobs are of one share and priority.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from batchctl.local.batch.model.job import Job, Status
from batchctl.local.batch.model.scheduling_policies import MIN_DECAY_S, SchedulingPolicy
from batchctl.local.batch.model.scope import Clock


@dataclass
class Usage:
    """The vCPUs of a share: in use now, and on average over the time that counts."""

    in_use: float = 0.0
    average: float = 0.0
    read_at: float = 0.0

    def change(self, vcpus: float, now: float, decay_s: float) -> None:
        """Note that so many more (or fewer) are in use from now on."""
        self.average, self.read_at = self.average_at(now, decay_s), now
        self.in_use = max(0.0, self.in_use + vcpus)

    def average_at(self, now: float, decay_s: float) -> float:
        """Return the average: what was used `decay_s` seconds ago counts a third of what is now."""
        kept = math.exp(-max(0.0, now - self.read_at) / decay_s)
        return self.average * kept + self.in_use * (1 - kept)


@dataclass
class Share:
    """The waiting jobs of a share, by priority."""

    usage: Usage = field(default_factory=Usage)
    waiting: dict[int, deque[Job]] = field(default_factory=dict)

    def add(self, job: Job, *, first: bool) -> None:
        """Let a job wait, as the last of its priority or the first."""
        jobs = self.waiting.setdefault(job.specification.priority, deque())
        (jobs.appendleft if first else jobs.append)(job)

    def head(self) -> Job | None:
        """Return the next job; those that wait no longer are dropped."""
        for priority in sorted(self.waiting, reverse=True):
            jobs = self.waiting[priority]
            while jobs and jobs[0].status is not Status.RUNNABLE:
                jobs.popleft()
            if jobs:
                return jobs[0]
            del self.waiting[priority]
        return None

    def take(self, job: Job) -> None:
        """Remove the head."""
        self.waiting[job.specification.priority].popleft()


class WaitingJobs:
    """The RUNNABLE jobs of a queue, and what its shares have in use."""

    def __init__(self, clock: Clock) -> None:
        """Begin with none."""
        self._clock = clock
        self._shares: dict[str, Share] = {}

    def add(self, job: Job, *, first: bool = False) -> None:
        """Let a job wait; a retried one as the `first` of its share and priority."""
        self._share(job).add(job, first=first)

    def turns(self, policy: SchedulingPolicy | None) -> Iterator[Job]:
        """Yield the next job of each share that has one, in the order of their turns."""
        now = self._clock()
        heads = [(share, job) for share in self._shares.values() if (job := share.head())]
        if policy is None:
            yield from (job for _, job in heads)
            return
        # What is in use counts beside the average, or a burst would all go to one share.
        key = {
            id(job): (share.usage.in_use + share.usage.average_at(now, policy.decay_s))
            * policy.weight(job.specification.share or "")
            for share, job in heads
        }
        yield from sorted((job for _, job in heads), key=lambda job: (key[id(job)], _age(job)))

    def take(self, job: Job) -> None:
        """Remove a job that was yielded: it waits no longer."""
        self._share(job).take(job)

    def use(self, job: Job, vcpus: float, policy: SchedulingPolicy | None) -> None:
        """Note that the share of a job has so many vCPUs more (or fewer) in use."""
        decay_s = MIN_DECAY_S if policy is None else policy.decay_s
        self._share(job).usage.change(vcpus, self._clock(), decay_s)

    def active(self) -> int:
        """Return how many shares have jobs that wait or run."""
        return sum(
            1 for share in self._shares.values() if share.usage.in_use or share.head() is not None
        )

    def in_use(self) -> float:
        """Return how many vCPUs the shares have in use."""
        return sum(share.usage.in_use for share in self._shares.values())

    def _share(self, job: Job) -> Share:
        return self._shares.setdefault(job.specification.share or "", Share())


def _age(job: Job) -> tuple[int, int]:
    return (job.parent or job).sequence, job.index or 0
