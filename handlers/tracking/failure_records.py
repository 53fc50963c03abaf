"""Records how tasks ended whose items have no result: as `judgement` says.

What the container recorded stays: an exception of compute.py says more than Batch's exit status.
Nothing is found here twice, so that whoever comes first (an event, a reader) does the work, and
whoever dies in the middle of it leaves less for the next. The progress of such a task is completed,
too: readers count by it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from batchctl.contract import progress
from batchctl.contract.batch_jobs import task_id
from batchctl.contract.job_record import JobRecord
from batchctl.contract.progress import Cell, ProgressRecord
from batchctl.contract.reasons import Failure, Reason, Success, end_of
from batchctl.contract.result_record import ResultRecord
from batchctl.contract.statuses import ItemStatus
from handlers.batch.descriptions import describe
from handlers.store.batch_write import WRITERS
from handlers.store.jobs import JobStore
from handlers.store.results import KEYS_PER_CALL, End
from handlers.tracking.judgement import EndedTask, in_hand, judge

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient

STRETCH = 1_000
"""The deadline is checked after so many items, and the rest of the last one's slice."""

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
        slices, start = job.slices, job.failures_recorded
        while start < job.items_to_do:
            first = slices.task_of(start)
            last = slices.task_of(min(start + STRETCH, job.items_to_do) - 1)
            self._record(job, range(first, last + 1), {})
            start = slices.items_of(last).stop
            if self.store.monotonic() >= deadline:
                break
        return start

    def record_successes(self, job: JobRecord, deadline: float) -> bool:
        """Record what a job's containers without our runner did by their exit status 0.

        Batch alone knows of these, for some days. Returns whether it is done before the deadline;
        the same again goes through all of it once more.
        """
        if job.has_runner:
            return True
        for first in range(0, job.tasks, STRETCH):
            if self.store.monotonic() >= deadline:
                return False
            tasks = range(first, min(first + STRETCH, job.tasks))
            ends = self._ends(job, tasks, {})
            succeeded = {task: end for task, end in ends.items() if isinstance(end, Success)}
            for task, end in succeeded.items():
                slice_ = job.slices.items_of(task)
                items = self.store.universe.numbered(job, slice_.start, slice_.stop)
                for _, item in items:
                    self.store.results.put_missing(job, _result(item, end, in_hand=False))
        return True

    def record_task(self, job: JobRecord, task: int, detail: Mapping[str, Any]) -> None:
        """Record the items of one task that has failed; `detail` is its JobDetail."""
        self._record(job, range(task, task + 1), {task: detail})

    def _record(
        self, job: JobRecord, tasks: range, details: Mapping[int, Mapping[str, Any]]
    ) -> None:
        """Put a result for each item of these tasks that has none; `details` are those at hand."""
        start, stop = job.slices.items_of(tasks[0]).start, job.slices.items_of(tasks[-1]).stop
        items = self.store.universe.numbered(job, start, stop)
        with ThreadPoolExecutor(max_workers=WRITERS) as pool:
            batches = [items[at : at + KEYS_PER_CALL] for at in range(0, len(items), KEYS_PER_CALL)]
            known: dict[int, End] = {}
            for found in pool.map(lambda batch: self._with_result(job, batch), batches):
                known |= found
            missing = {index: item for index, item in items if index not in known}
            if not missing:
                return
            tasks_left = sorted({job.slices.task_of(index) for index in missing})
            recorded = self.store.progress.of_tasks(job, tasks_left)
            ends = self._ends(job, tasks_left, details)
            judged: dict[int, Failure | Success] = {}
            suspects: set[int] = set()
            for task in tasks_left:
                slice_ = job.slices.items_of(task)
                ended = EndedTask(
                    slice_, ends[task], recorded.get(task), job.has_runner, job.reason
                )
                left = [index for index in slice_ if index in missing]
                judged |= judge(ended, left)
                suspects |= in_hand(ended, left)
            records = [
                _result(missing[index], end, in_hand=index in suspects)
                for index, end in judged.items()
            ]
            for _ in pool.map(lambda record: self.store.results.put_missing(job, record), records):
                pass  # a result is None; asking for it raises what the call raised
            completed = [
                _completed(job, task, known, judged, recorded.get(task))
                for task in tasks_left
                if task in recorded or isinstance(ends[task], Failure) or job.has_runner
            ]
            for _ in pool.map(lambda record: self.store.progress.put(job, record), completed):
                pass  # as above

    def _with_result(self, job: JobRecord, items: Numbered) -> dict[int, End]:
        names = [item for _, item in items]
        found = self.store.results.ends_of(job.results_partition, names)
        return {index: found[item] for index, item in items if item in found}

    def _ends(
        self, job: JobRecord, tasks: Collection[int], details: Mapping[int, Mapping[str, Any]]
    ) -> dict[int, Failure | Success]:
        """Return how each task ended; what isn't at hand is asked of Batch."""
        asked = {task: task_id(job.batch_jobs, task) for task in tasks if task not in details}
        known = describe(self.batch, [each for each in asked.values() if each is not None])
        on_demand, has_runner = job.overrides.on_demand, job.has_runner

        def end(task: int) -> Failure | Success:
            if task in details:
                return end_of(details[task], on_demand=on_demand, has_runner=has_runner)
            batch_id = asked[task]
            if batch_id is None:
                return NEVER_SUBMITTED
            return end_of(known.get(batch_id), on_demand=on_demand, has_runner=has_runner)

        return {task: end(task) for task in tasks}


def _completed(
    job: JobRecord,
    task: int,
    known: Mapping[int, End],
    judged: Mapping[int, Failure | Success],
    recorded: ProgressRecord | None,
) -> ProgressRecord:
    """Return the progress of an ended task: every item has ended as its result says."""

    def cell(index: int) -> int:
        end = judged.get(index) or known.get(index)
        if end is None:  # its item can't be read
            return progress.failed(Reason.UNKNOWN)
        if isinstance(end, Success) or (isinstance(end, End) and end.has_succeeded):
            return Cell.SUCCEEDED
        return progress.failed(end.reason or Reason.UNKNOWN)

    cells = bytes(cell(index) for index in job.slices.items_of(task))
    return ProgressRecord(job.run, task, cells, recorded.at_once if recorded else 1)


def _result(item: str, end: Failure | Success, *, in_hand: bool) -> ResultRecord:
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
        in_hand=in_hand,
    )
