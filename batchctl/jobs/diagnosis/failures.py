"""How often items of a job failed, and of what: counted over the first results, not over all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from batchctl.contract.reasons import Reason
from batchctl.contract.statuses import ItemStatus
from batchctl.jobs.api.job import Result

RESULTS_READ = 5000
"""So many results are read: a job may have a million of them, and these take seconds."""
ERRORS = 5
"""The commonest errors that are shown."""


@dataclass(frozen=True)
class ErrorCount:
    """An error as `failure_text` has it: how many items failed of it, and one of these."""

    text: str
    count: int
    item: str


@dataclass(frozen=True)
class Sample:
    """What the first results say: the commonest errors, and the largest memory of those killed.

    `read` is how many results were read; `complete`, whether these are all.
    """

    errors: tuple[ErrorCount, ...] = ()
    peak_memory_mib: float | None = None
    read: int = 0
    complete: bool = True


def sample(results: Iterable[Result], most: int = ERRORS) -> Sample:
    """Read the first results once; the `most` frequent errors come first."""
    counts: Counter[str] = Counter()
    items: dict[str, str] = {}
    peak: float | None = None
    read, rest = 0, iter(results)
    for read, result in enumerate(islice(rest, RESULTS_READ), 1):  # noqa: B007 - used after the loop
        if result.status != ItemStatus.FAILED:
            continue
        text = failure_text(result)
        counts[text] += 1
        items.setdefault(text, result.item)
        if result.reason == Reason.OUT_OF_MEMORY and result.peak_memory_mib is not None:
            peak = max(peak or 0.0, result.peak_memory_mib)
    complete = read < RESULTS_READ or next(rest, None) is None
    common = (ErrorCount(text, count, items[text]) for text, count in counts.most_common(most))
    return Sample(tuple(common), peak, read, complete)


def count_reasons(results: Iterable[Result]) -> dict[str, int]:
    """Count the failed items by reason, the most frequent first: `{"OUT_OF_MEMORY": 3}`."""
    first = islice(results, RESULTS_READ)
    failed = (each.reason or "UNKNOWN" for each in first if each.status == ItemStatus.FAILED)
    return dict(Counter(failed).most_common())


def failure_text(result: Result) -> str:
    """Say why an item failed in one line: the reason, the signal, and the error's first line."""
    error = (result.error or "no error was recorded").partition("\n")[0]
    if result.signal and result.signal not in error:
        error = f"{error} ({result.signal})"
    return f"{result.reason}: {error}" if result.reason else error
