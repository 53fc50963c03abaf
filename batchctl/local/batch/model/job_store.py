"""Every job of the account, and the one place where a job's status changes.

Whoever must know of state changes (Batch sends them to EventBridge) is an observer here. An
array's parent counts its children by status and ends when the last of them has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from batchctl.local.batch.model.job import ENDED, Job, Specification, Status
from batchctl.local.batch.model.scope import Clock, milliseconds

Observer = Callable[[Job], None]


class Jobs:
    """The jobs, by id; they are kept after their end for as long as the local cloud runs."""

    def __init__(self, clock: Clock, observers: Sequence[Observer] = ()) -> None:
        """Keep none yet; `observers` are called with every job whose status has changed."""
        self._clock, self._observers = clock, list(observers)
        self._by_id: dict[str, Job] = {}
        self._by_queue: dict[str, list[Job]] = {}
        self.unfinished: Counter[str] = Counter()
        self._in_share: Counter[tuple[str, str | None]] = Counter()

    def add(
        self, job_id: str, specification: Specification, size: int | None, tags: dict[str, str]
    ) -> Job:
        """Keep a new job, SUBMITTED, and with a `size` the children of its array, PENDING."""
        now = milliseconds(self._clock())
        job = Job(job_id, len(self._by_id), specification, now, tags)
        if size is not None:
            job.children = [self._child(job, index) for index in range(size)]
            job.summary = dict.fromkeys(Status, 0) | {Status.PENDING: size}
        self._by_id[job_id] = job
        self._by_queue.setdefault(specification.queue, []).append(job)
        self.unfinished[specification.queue] += 1
        self._in_share[_share_of(specification)] += 1
        self._notify(job)
        return job

    def get(self, job_id: str) -> Job | None:
        """Return the job, the parent or (by `PARENT:INDEX`) the child with this id."""
        parent_id, _, index = job_id.partition(":")
        job = self._by_id.get(parent_id)
        if job is None or not index:
            return job
        is_child = index.isdecimal() and int(index) < len(job.children)
        return job.children[int(index)] if is_child else None

    def of_queue(self, queue: str) -> Sequence[Job]:
        """Return the plain jobs and array parents of a queue, the oldest first."""
        return self._by_queue.get(queue, [])

    def active_shares(self, queue: str) -> set[str | None]:
        """Return the shares of a queue that have jobs which haven't ended."""
        return {share for (name, share), jobs in self._in_share.items() if name == queue and jobs}

    def move(self, job: Job, status: Status, reason: str | None = None) -> None:
        """Give `job` its next status, with what follows from it for its times and its parent."""
        before, now = job.status, milliseconds(self._clock())
        job.status, job.status_reason = status, reason
        if status is Status.RUNNING and job.started_at is None:
            job.started_at = now
        if status in ENDED:
            job.stopped_at = now
        if job.parent is None and status in ENDED:
            self.unfinished[job.specification.queue] -= 1
            self._in_share[_share_of(job.specification)] -= 1
        self._notify(job)
        if job.parent is not None:
            self._count(job.parent, before, status)

    def _count(self, parent: Job, before: Status, after: Status) -> None:
        parent.summary[before] -= 1
        parent.summary[after] += 1
        if after is Status.RUNNING and parent.started_at is None:
            parent.started_at = milliseconds(self._clock())
        ended = sum(parent.summary[status] for status in ENDED)
        if ended == len(parent.children) and not parent.has_ended:
            failed = parent.summary[Status.FAILED] > 0
            status = Status.FAILED if failed else Status.SUCCEEDED
            reason = parent.status_reason or ("Array Child Job failed" if failed else None)
            self.move(parent, status, reason)

    def _child(self, parent: Job, index: int) -> Job:
        # What the children share is the parent's: an array of 10,000 must stay small.
        return Job(
            id=f"{parent.id}:{index}",
            sequence=index,
            specification=parent.specification,
            created_at=parent.created_at,
            tags=parent.tags,
            parent=parent,
            index=index,
            status=Status.PENDING,
        )

    def _notify(self, job: Job) -> None:
        for observer in self._observers:
            observer(job)


def _share_of(specification: Specification) -> tuple[str, str | None]:
    return specification.queue, specification.share
