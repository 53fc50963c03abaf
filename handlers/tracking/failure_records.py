"""Records how tasks ended whose items have no result: FAILED with the reason, or SUCCEEDED.

What the container recorded stays: an exception of compute.py says more than Batch's exit status. A
container that records nothing says all by that: 0 is a success, whose result is null.
Nothing is found here twice, so that whoever comes first (an event, a reader) does the work, and
whoever dies in the middle of it leaves less for the next.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from batchctl.contract.batch_jobs import task_id, task_of
from batchctl.contract.job_record import JobRecord
from batchctl.contract.reasons import Failure, Reason, Success, end_of
from batchctl.contract.result_record import ResultRecord
from batchctl.contract.statuses import ItemStatus
from batchctl.contract.table import ITEMS_PER_CHUNK
from handlers.batch.descriptions import describe
from handlers.store.batch_write import WRITERS
from handlers.store.jobs import JobStore
from handlers.store.results import KEYS_PER_CALL

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient

CHUNKS_AT_ONCE = 4
"""The deadline is checked after so many chunks, a thousand items."""

NEVER_SUBMITTED = Failure(Reason.UNKNOWN, "the task was never submitted to AWS Batch")

Numbered = Sequence[tuple[int, str]]
"""Items with their indexes in the universe of the run."""


@dataclass(frozen=True)
class FailureRecords:
    """Records how the tasks of jobs ended, for their items that have no result."""

    store: JobStore
    batch: BatchClient

    def record(self, job: JobRecord, deadline: float) -> int:
        """Record the items of an ended run from the first `job.failures_recorded` on.

        Returns up to which item that is done: `job.items_to_do` at the end, less when the deadline
        (by the monotonic clock) came before; a thousand items are done in any case.
        """
        first = job.failures_recorded // ITEMS_PER_CHUNK
        chunks = self.store.universe.chunks(job.job_id, job.run, first)
        while stretch := list(islice(chunks, CHUNKS_AT_ONCE)):
            self._record(job, [each for chunk in stretch for each in chunk.numbered], {})
            if self.store.monotonic() >= deadline:
                return min(stretch[-1].stop, job.items_to_do)
        return job.items_to_do

    def record_task(self, job: JobRecord, task: int, detail: Mapping[str, Any]) -> None:
        """Record the items of one task that has failed; `detail` is its JobDetail."""
        start = task * job.items_per_task
        stop = min(start + job.items_per_task, job.items_to_do)
        items = self.store.universe.numbered(job.job_id, job.run, start, stop)
        self._record(job, items, {task: detail})

    def _record(
        self, job: JobRecord, items: Numbered, details: Mapping[int, Mapping[str, Any]]
    ) -> None:
        """Put a result for each of the items that has none; `details` are those at hand."""
        with ThreadPoolExecutor(max_workers=WRITERS) as pool:
            batches = [items[at : at + KEYS_PER_CALL] for at in range(0, len(items), KEYS_PER_CALL)]
            left = [
                each
                for found in pool.map(lambda batch: self._without_result(job, batch), batches)
                for each in found
            ]
            if not left:
                return
            tasks = {task_of(index, job.items_per_task) for index, _ in left}
            ends = self._ends(job, tasks, details)
            records = [
                _result(item, ends[task_of(index, job.items_per_task)]) for index, item in left
            ]
            for _ in pool.map(lambda record: self.store.results.put_missing(job, record), records):
                pass  # a result is None; asking for it raises what the call raised

    def _without_result(self, job: JobRecord, items: Numbered) -> Numbered:
        missing = set(self.store.results.missing(job.job_id, [item for _, item in items]))
        return [(index, item) for index, item in items if item in missing]

    def _ends(
        self, job: JobRecord, tasks: Collection[int], details: Mapping[int, Mapping[str, Any]]
    ) -> dict[int, Failure | Success]:
        """Return how each task ended; what isn't at hand is asked of Batch."""
        asked = {task: task_id(job.batch_jobs, task) for task in tasks if task not in details}
        known = describe(self.batch, [each for each in asked.values() if each is not None])
        on_demand = job.overrides.on_demand

        def end(task: int) -> Failure | Success:
            if task in details:
                return end_of(details[task], on_demand=on_demand)
            batch_id = asked[task]
            if batch_id is None:
                return NEVER_SUBMITTED
            return end_of(known.get(batch_id), on_demand=on_demand)

        return {task: end(task) for task in tasks}


def _result(item: str, end: Failure | Success) -> ResultRecord:
    if isinstance(end, Success):
        return ResultRecord(
            item,
            ItemStatus.SUCCEEDED,
            result="null",
            attempts=end.attempts,
            seconds=end.seconds,
        )
    return ResultRecord(
        item,
        ItemStatus.FAILED,
        error=end.error,
        reason=end.reason,
        exit_code=end.exit_code,
        attempts=end.attempts,
        seconds=end.seconds,
    )
