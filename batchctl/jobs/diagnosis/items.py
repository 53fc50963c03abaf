"""Why items failed, by the reasons that are recorded of them: each with what to do.

`batchctl.contract.reasons` has those that AWS Batch's words lead to; here are those that it has no
words for, and what a task's own figures say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from batchctl.contract.reasons import Reason
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


_CAUSES: Mapping[str, Cause] = {
    cause.pattern: cause
    for cause in (
        Cause(
            Reason.NOT_RUN,
            "they never began: their task ended before their turn came, as another item may have "
            "taken it along, or the image's entry point didn't start the runner",
            "`batchctl retry {job}` runs them first, and last what their tasks had in hand; if "
            "none began, check ENTRYPOINT in the Dockerfile, and `batchctl logs {job}`",
        ),
        Cause(
            Reason.TABLE,
            "their tasks could not use the job table: no way to DynamoDB, or no permission",
            "check the compute subnets' route to DynamoDB (a NAT gateway or an endpoint); "
            "`batchctl plan` shows a changed job role; then `batchctl retry {job}`",
        ),
        Cause(
            Reason.MAX_FAILURES,
            "the job was ended, as more of its items had failed than `--max-failures` allows",
            "look at those that failed first (`batchctl results {job} --failed`), fix the cause, "
            "then `batchctl up` and `batchctl retry {job}`",
        ),
        Cause(
            Reason.BUDGET,
            "the job was ended, as it had cost what it may",
            "`batchctl retry {job}` runs the rest",
        ),
    )
}


def causes(
    failures: ItemFailures, job_id: str, memory_mib: int | None
) -> Iterator[tuple[str, Cause]]:
    """Yield what was seen, and its cause, for each reason that AWS Batch has no words for."""
    for reason, count in failures.counts.items():
        if known := _CAUSES.get(reason):
            yield _seen(count, reason), replace(known, fix=known.fix.replace("{job}", job_id))
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
        f"a task has {memory_mib:,} MiB, which its items at work share",
        f"`batchctl retry {job_id} --memory {size}`; for the next jobs let them go on by "
        f"themselves: `compute.memory_mib: [{memory_mib}, {size}]`, then `batchctl up`",
    )


def _seen(count: int, reason: str) -> str:
    return f"{count:,} {'item' if count == 1 else 'items'} failed: {reason}"
