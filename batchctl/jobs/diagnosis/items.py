"""Why items failed, by the reasons that are recorded of them, and what a task's figures say.

`batchctl.contract.reasons` has the causes and what to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from batchctl.contract.reasons import RECORDED, Reason
from batchctl.jobs.diagnosis.causes import Cause


@dataclass(frozen=True)
class ItemFailures:
    """The failed items of a job by reason, and what is known of their memory.

    `peak_memory_mib` is the most that one of those that ran out of it held; `memory_sizes` are
    those of config.yaml, in rising order.
    """

    counts: Mapping[str, int]
    peak_memory_mib: float | None = None
    memory_sizes: tuple[int, ...] = ()

    def next_size(self, memory_mib: int) -> int:
        """Return what to try after a size: the next that is configured, else twice as much."""
        larger = (each for each in self.memory_sizes if each > memory_mib)
        return next(larger, 2 * memory_mib)

    @property
    def are_of_the_program(self) -> bool:
        """Whether an exit status can be the cause of any of them, or of some of unknown cause."""
        of_program = {Reason.EXCEPTION, Reason.EXIT_CODE, Reason.UNKNOWN}
        return not self.counts or not self.counts.keys().isdisjoint(of_program)


def causes(
    failures: ItemFailures, job_id: str, memory_mib: int | None
) -> Iterator[tuple[str, Cause]]:
    """Yield what was seen, and its cause, for each reason that AWS Batch has no words for."""
    for reason, count in failures.counts.items():
        if known := RECORDED.get(reason):
            yield _seen(count, reason), Cause(reason, known.cause, known.advice_for(job_id))
    out_of_memory = failures.counts.get(Reason.OUT_OF_MEMORY, 0)
    if out_of_memory and memory_mib is not None:
        peak = failures.peak_memory_mib
        held = "" if peak is None else f"; the largest held {peak:,.0f} MiB"
        seen = f"{_seen(out_of_memory, Reason.OUT_OF_MEMORY)}{held}"
        yield seen, _memory(failures, job_id, memory_mib)


def _memory(failures: ItemFailures, job_id: str, memory_mib: int) -> Cause:
    size = failures.next_size(memory_mib)
    return Cause(
        Reason.OUT_OF_MEMORY,
        f"a task has {memory_mib:,} MiB, shared by the items that it works on at a time",
        f"`batchctl retry {job_id} --memory {size}`; in the next jobs such items run again by "
        f"themselves with `compute.memory_mib: [{memory_mib}, {size}]`, then `batchctl up`",
    )


def _seen(count: int, reason: str) -> str:
    return f"{count:,} {'item' if count == 1 else 'items'} failed: {reason}"
