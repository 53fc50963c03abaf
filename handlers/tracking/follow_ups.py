"""What follows by itself at the end of a run: items for which other machines may do.

Items that ran out of memory run again with the next of the sizes that `compute.memory_mib` names;
items whose Spot host was taken away for the last time run again on demand, where there is such a
queue. With them goes what never began. All of it is the same job: it has ended when nothing
follows any more. Memory only ever grows, and what once runs on demand stays there: so it ends.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from batchctl.contract.control import Overrides, RefusedError
from batchctl.contract.job_record import JobRecord
from batchctl.contract.limits import MAX_RUNS
from batchctl.contract.reasons import Reason
from handlers.batch.messages import Messages
from handlers.log import logger
from handlers.store.jobs import JobStore
from handlers.store.results import End
from handlers.tracking.next_run import prepare
from handlers.tracking.retry_lease import RetryLeases

LEAST_LEASE_S, LONGEST_LEASE_S = 30.0, 900.0
"""A function's own time is between these; the deadline tells how much of it is left."""


@dataclass(frozen=True)
class FollowUp:
    """The run that is to follow: what it has that differs, and the reason of its items."""

    overrides: Overrides
    reason: Reason


@dataclass(frozen=True)
class FollowUps:
    """Makes the runs that follow by themselves; `memory_sizes` in MiB, in rising order."""

    store: JobStore
    messages: Messages
    memory_sizes: tuple[int, ...] = ()
    has_on_demand: bool = False

    def after(self, job: JobRecord, failures: Mapping[Reason, int]) -> FollowUp | None:
        """Return the run that is to follow the present one of a job with such failures, if any."""
        if job.reason is not None or job.run >= MAX_RUNS:
            return None
        possible = self._possible(job.overrides)
        return next((each for each in possible if failures.get(each.reason)), None)

    def items_to_come(self, job: JobRecord, failures: Mapping[Reason, int]) -> int:
        """Return how many of the failed items of a job a run that follows may do."""
        return sum(failures.get(each.reason, 0) for each in self._possible(job.overrides))

    def _possible(self, overrides: Overrides) -> Iterator[FollowUp]:
        """Yield what may follow a run with such overrides, the first of which has items first."""
        if self.has_on_demand and not overrides.on_demand:
            yield FollowUp(replace(overrides, on_demand=True), Reason.SPOT_RECLAIM)
        larger = self._larger(overrides.memory_mib)
        if larger is not None:
            yield FollowUp(replace(overrides, memory_mib=larger), Reason.OUT_OF_MEMORY)

    def make(self, job: JobRecord, follow_up: FollowUp, deadline: float) -> bool:
        """Make a run that follows; `False` when no item is to be done again after all.

        When another call is making it, or has made it, this does nothing.
        """

        def is_wanted(end: End | None) -> bool:
            return end is not None and end.reason in {follow_up.reason, Reason.NOT_RUN}

        owner = secrets.token_hex(16)
        left_s = deadline - self.store.monotonic() + LEAST_LEASE_S
        lease_s = min(LONGEST_LEASE_S, max(LEAST_LEASE_S, left_s))
        leases = RetryLeases(self.store)
        try:
            taken = leases.take(job, owner, int(lease_s * 1000))
            try:
                if taken.reason is not None:  # a limit has ended the job meanwhile
                    leases.release(taken, owner)
                    return False
                universe = prepare(self.store, taken, is_wanted)
                if not universe.items:
                    leases.release(taken, owner)
                    return False
                made = leases.start(taken, owner, universe, follow_up.overrides, is_follow_up=True)
            except Exception:
                leases.release(taken, owner)
                raise
        except RefusedError as refused:
            logger.info("a run that follows is made by another call", why=refused.error)
            return True
        self.messages.send(job.job_id)
        logger.info("a run follows", job_id=job.job_id, attempt=made.run, items=universe.items)
        return True

    def _larger(self, memory_mib: int | None) -> int | None:
        """Return the size after this one; without one, the job ran with the first."""
        present = memory_mib or (self.memory_sizes[0] if self.memory_sizes else 0)
        return next((size for size in self.memory_sizes if size > present), None)
