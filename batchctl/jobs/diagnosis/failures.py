"""How often items of a job failed, and of what: counted over the first results, not over all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import islice

from batchctl.contract.reasons import Reason
from batchctl.contract.statuses import ItemStatus
from batchctl.jobs.api.job import Result

RESULTS_READ = 5000
"""So many results are read: a job may have a million of them, and these take seconds."""


def count_reasons(results: Iterable[Result]) -> dict[str, int]:
    """Count the failed items by reason, the most frequent first: `{"OUT_OF_MEMORY": 3}`."""
    return _count(results, lambda result: result.reason or "UNKNOWN")


def count_errors(results: Iterable[Result], most: int) -> dict[str, int]:
    """Count the failed items by reason and the error's first line, the `most` frequent first."""
    counted = _count(results, failure_text)
    return dict(islice(counted.items(), most))


def largest_peak_mib(results: Iterable[Result]) -> float | None:
    """Return the most memory that an item held which ran out of it; None where none is recorded."""
    peaks = (
        each.peak_memory_mib
        for each in islice(results, RESULTS_READ)
        if each.reason == Reason.OUT_OF_MEMORY and each.peak_memory_mib is not None
    )
    return max(peaks, default=None)


def failure_text(result: Result) -> str:
    """Tell why an item failed in one line: the reason, and the error's first line."""
    error = (result.error or "no error was recorded").partition("\n")[0]
    return f"{result.reason}: {error}" if result.reason else error


def _count(results: Iterable[Result], of: Callable[[Result], str]) -> dict[str, int]:
    first = islice(results, RESULTS_READ)
    return dict(
        Counter(of(each) for each in first if each.status == ItemStatus.FAILED).most_common()
    )
