"""A lease on a job: for as long as one invocation may last, it alone may do something with the job.

A lease is two attributes of the JOB record: its owner, the id of an invocation, and when it
expires, milliseconds since the epoch by AWS's clock, beyond the end of that invocation. Who takes
one has just read the record, and so knows the time (service_clock).
"""

from __future__ import annotations

from dataclasses import dataclass

from batchctl.contract.table import Item, number, text
from handlers.store.table import Change, Condition, Table

SHORTEST_MS, LONGEST_MS = 60_000, 900_000
"""An invocation learns the time that it has left from its own clock: whatever that says, it may go
on for the first, and never goes on for longer than the second (AWS Lambda quotas, timeout)."""

MARGIN_MS = 30_000
"""A lease outlives its invocation by so much: what was sent at the last moment has arrived then."""


@dataclass(frozen=True)
class Purpose:
    """What a lease is for: the names of the two attributes that it is."""

    owner: str
    expires_at: str


SPLITTING = Purpose("lease_owner", "lease_expires_at")
RETRYING = Purpose("retry_owner", "retry_expires_at")


@dataclass(frozen=True)
class Lease:
    """The lease on a job for one purpose, as `owner` has it or would take it."""

    table: Table
    purpose: Purpose
    job_id: str
    owner: str

    def take(self, remaining_ms: int, condition: Condition, change: Change) -> Item | None:
        """Take the lease for an invocation that ends in `remaining_ms`, and make the change.

        Returns the JOB item as it was before; `None` when another owner has the lease, or the
        condition doesn't hold. An owner may take its own lease again: our own first try may have
        been the one, its answer lost.
        """
        now_ms = int(self.table.clock() * 1000)
        length_ms = min(max(remaining_ms, SHORTEST_MS), LONGEST_MS) + MARGIN_MS
        taken = Change(
            {
                self.purpose.owner: text(self.owner),
                self.purpose.expires_at: number(now_ms + length_ms),
            }
        )
        return self.table.change(
            self.job_id, taken + change, condition & self._is_free(now_ms), "ALL_OLD"
        )

    def change(self, change: Change, condition: Condition | None = None) -> Item | None:
        """Change the record while the lease is ours; return the item as it is then, else `None`."""
        ours = self._is_ours if condition is None else condition & self._is_ours
        return self.table.change(self.job_id, change, ours, "ALL_NEW")

    def release(self) -> None:
        """Give the lease back, if it is ours: another owner needn't wait until it expires.

        The owner stays in the record: who read that before sees that there was one.
        """
        self.change(Change({self.purpose.expires_at: number(0)}))

    @property
    def end(self) -> Change:
        """The change by which nobody has the lease any more."""
        return Change({}, (self.purpose.owner, self.purpose.expires_at))

    def _is_free(self, now_ms: int) -> Condition:
        owner, expires_at = self.purpose.owner, self.purpose.expires_at
        return Condition(
            f"attribute_not_exists(#{owner}) OR #{owner} = :if_owner OR #{expires_at} < :if_now",
            {":if_owner": text(self.owner), ":if_now": number(now_ms)},
        )

    @property
    def _is_ours(self) -> Condition:
        return Condition(f"#{self.purpose.owner} = :if_owner", {":if_owner": text(self.owner)})
