"""The next run of a job: its universe, and the way cleared for it.

A run is made under a lease, for a person's `retry` or by itself. What is done before the record
says that there is such a run may be done again by a call that repeats it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from batchctl.contract.control import RefusedError
from batchctl.contract.job_record import Failures, JobRecord
from batchctl.contract.reasons import Reason
from handlers.store.jobs import JobStore
from handlers.store.results import End

Numbered = tuple[int, str]
"""An item with its index in the universe of the job."""


@dataclass(frozen=True)
class NextUniverse:
    """The universe of a run to be: how many items, how many in a chunk, from which on alone.

    `failures` counts the items that have failed and are not in it.
    """

    items: int
    items_per_chunk: int
    solo_from: int | None
    failures: Failures = field(default_factory=dict)


def prepare(
    store: JobStore,
    job: JobRecord,
    is_wanted: Callable[[End | None], bool],
    only: Collection[str] = (),
) -> NextUniverse:
    """Write the universe of the run after the present one, and delete the failures of its items.

    Of each item of the job that `is_wanted` says, by how it ended (`None`: without a result),
    whether it is to be done. Those that may have ended their container come last, a task each:
    so none of the others waits for one that ends its container again. Without any item nothing is
    written. With `only` some items, the others stay as they are; raises RefusedError (409) where
    one of them isn't to be done.
    """
    ends = dict(store.results.ends(job.results_partition))
    innocent, suspects = list[Numbered](), list[Numbered]()
    failures = Counter[Reason]()
    own = dict[int, str]()
    for chunk in store.universe.chunks(job):
        own |= {chunk.start + at: parameters for at, parameters in chunk.own.items()}
        for index, item in chunk.numbered:
            end = ends.get(item)
            if is_wanted(end) and (not only or item in only):
                (suspects if end is not None and end.in_hand else innocent).append((index, item))
            elif end is None or not end.has_succeeded:
                failures[Reason.NOT_RUN if end is None else end.reason or Reason.UNKNOWN] += 1
    items = innocent + suspects
    if missing := set(only) - {item for _, item in items}:
        why = f"item `{min(missing)}` has succeeded, or is none of job `{job.job_id}`"
        raise RefusedError(409, why)
    if not items:
        return NextUniverse(0, 1, None)
    size = store.universe.write_next(job, items, own)
    # Each once, as BatchWriteItem takes it (DynamoDB API reference).
    failed = dict.fromkeys(item for _, item in items if item in ends)
    # From then on a failure is one of the new run.
    store.results.delete(job.results_partition, list(failed))
    return NextUniverse(len(items), size, len(innocent) if suspects else None, failures)
