"""How long a job is kept: `job_table.keep_days`, the functions' variable KEEP_DAYS.

A job is shown for that many days after its end. All of its items but the JOB record carry one and
the same `expires_at`, epoch seconds, after which DynamoDB deletes them by its time to live: so many
days and 90 more after the job was submitted, whatever happens to it meanwhile. So a job that has
not ended by then is lost, and no other one. The JOB record itself goes 30 days later: DynamoDB
deletes within some days of the time (DynamoDB API reference, UpdateTimeToLive: typically two), and
while old results may be there nobody can have the job_id for a new job.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from batchctl.contract.environment import Function
from batchctl.contract.table import Item, number
from batchctl.contract.timestamps import seconds

DAY_S = 86_400
MAX_JOB_DAYS = 90
"""From a job's submission to its end, retries included. (A message alone may wait for 14 days.)"""

RETRY_DAYS = 30
"""What another run must have before it, at least, until the job's items are deleted."""

JOB_RECORD_EXTRA_S = 30 * DAY_S
"""So much later than the other items of its job a JOB record is deleted."""


@dataclass(frozen=True)
class Retention:
    """Days that jobs are kept after their end; `None`: for ever."""

    days: int | None = None

    def expiry(self, now: float) -> int | None:
        """Return `expires_at` of the JOB record of a job that comes in at `now`, epoch seconds."""
        if self.days is None:
            return None
        return int(now) + (self.days + MAX_JOB_DAYS) * DAY_S + JOB_RECORD_EXTRA_S

    def is_over(self, finished_at: str | None, now: float) -> bool:
        """Whether a job that ended then (`None`: it hasn't) is shown no more."""
        if self.days is None or finished_at is None:
            return False
        return now > seconds(finished_at) + self.days * DAY_S


FOREVER = Retention()


def retention_of(environment: Mapping[str, str]) -> Retention:
    """Return what the function's environment says."""
    days = environment.get(Function.KEEP_DAYS)
    return FOREVER if days is None else Retention(int(days))


def items_expiry(job_expires_at: int | None) -> int | None:
    """Return `expires_at` of a job's other items from that of its JOB record."""
    return None if job_expires_at is None else job_expires_at - JOB_RECORD_EXTRA_S


def expiry_attribute(expires_at: int | None) -> Item:
    """Return the attribute by which DynamoDB deletes an item; none for one that is kept."""
    return {} if expires_at is None else {"expires_at": number(expires_at)}
