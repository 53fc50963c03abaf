"""What a job would take, from the items of the last jobs: hours, minutes, dollars, as ranges.

Pure. A mean of few items says little: the range is that of the mean, two standard errors to each
side (19 of 20 such ranges have the true mean in them, where items are alike). With one item alone
it is from half to double.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from batchctl.contract.statuses import ItemStatus
from batchctl.jobs.api.client import JobsClient
from batchctl.jobs.cost.ledger import Range

MOST_JOBS = 3
"""So many of the last jobs are looked at: older ones ran other code more likely."""
LOOKED_THROUGH = 20
SAMPLE = 1000


@dataclass(frozen=True)
class Sample:
    """The seconds and memory of items that succeeded, and the jobs that they are of."""

    seconds: tuple[float, ...]
    peak_memory_mib: tuple[float, ...]
    jobs: tuple[str, ...]


@dataclass(frozen=True)
class Estimate:
    """What a job of `items` would take; `dollars` None where no price is known.

    `minutes` is from its first task to its end, where all machines are there at once.
    """

    items: int
    sampled: int
    of_jobs: tuple[str, ...]
    seconds_an_item: Range
    task_hours: Range
    minutes: Range
    dollars: Range | None
    peak_memory_mib: float | None


def sample(client: JobsClient) -> Sample:
    """Return the items of the last ended jobs, up to 1,000 of each of three."""
    seconds: list[float] = []
    memory: list[float] = []
    jobs: list[str] = []
    for summary in client.list(limit=LOOKED_THROUGH).jobs:
        if len(jobs) == MOST_JOBS:
            break
        if summary.finished_at is None:
            continue
        results = client.show(summary.job_id, limit=SAMPLE).results
        done = [
            each
            for each in results
            if each.status == ItemStatus.SUCCEEDED and each.seconds is not None
        ]
        if done:
            jobs.append(summary.job_id)
            seconds += [each.seconds for each in done if each.seconds is not None]
            memory += [each.peak_memory_mib for each in done if each.peak_memory_mib is not None]
    return Sample(tuple(seconds), tuple(memory), tuple(jobs))


def estimate(
    items: int, found: Sample, at_once: int, dollars_a_task_hour: Range | None
) -> Estimate | None:
    """Return what so many items would take, `at_once` of them at a time; None without a sample."""
    if not found.seconds:
        return None
    mean = _mean(found.seconds)
    hours = Range(items * mean.low / 3600, items * mean.high / 3600)
    rounds = math.ceil(items / max(1, min(at_once, items)))
    price = dollars_a_task_hour
    return Estimate(
        items=items,
        sampled=len(found.seconds),
        of_jobs=found.jobs,
        seconds_an_item=mean,
        task_hours=hours,
        minutes=Range(rounds * mean.low / 60, rounds * mean.high / 60),
        dollars=None if price is None else Range(hours.low * price.low, hours.high * price.high),
        peak_memory_mib=max(found.peak_memory_mib, default=None),
    )


def _mean(seconds: Sequence[float]) -> Range:
    mean = statistics.fmean(seconds)
    if len(seconds) == 1:
        return Range(mean / 2, mean * 2)
    error = 2 * statistics.stdev(seconds) / math.sqrt(len(seconds))
    return Range(max(0.0, mean - error), mean + error)
