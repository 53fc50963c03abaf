"""Jobs as clients see them: one with a page of its results, and a page of the list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from batchctl.contract.chunks import is_item
from batchctl.contract.job_record import JobRecord, Reclaims
from handlers.batch.messages import Messages
from handlers.http.front_door import RequestError
from handlers.http.page_tokens import index_token, result_token, with_next
from handlers.store.jobs import JobStore
from handlers.store.listing import ListCursor, ListedJob
from handlers.store.universe_order import UniverseOrder
from handlers.tracking.monitor import Monitor, Progress, limit_ids

COUNTING_S = 10.0
"""How long one request may count results: API Gateway waits 29 s for a function (its quotas)."""


@dataclass(frozen=True)
class Wanted:
    """Which results: those after the item `after`, or of one `item`.

    Or in the order of the universe: from the index `start` on, first behind `after_item`; `every`:
    those that items don't have yet, too.
    """

    after: str | None = None
    start: int | None = None
    after_item: str | None = None
    every: bool = False
    item: str | None = None


FROM_THE_FIRST = Wanted()


@dataclass(frozen=True)
class Reader:
    """Reads jobs for clients."""

    store: JobStore
    monitor: Monitor
    messages: Messages

    def job(self, job_id: str, limit: int, wanted: Wanted = FROM_THE_FIRST) -> dict[str, object]:
        """Return a job as clients see it, with the results that are wanted.

        Raises RequestError (404; 400 for an item that it doesn't have), MalformedItemError.
        """
        job = self.store.shown(job_id)
        if job is None:
            raise RequestError(404, f"no job `{job_id}`")
        # First the status, then the results: a job shown as ended has them all.
        (progress,) = self.monitor.refresh([job], self._deadline())
        if self.store.queue_again(job):
            self.messages.send(job_id)
        results, token = self._results(job, limit, wanted)
        reclaims = job.reclaims or self.store.reclaims.total(job_id)
        shown = _job(job, progress) | _reclaims(reclaims) | {"results": results}
        return with_next(shown, token)

    def _results(
        self, job: JobRecord, limit: int, wanted: Wanted
    ) -> tuple[dict[str, dict[str, object]], str | None]:
        """Return a page of results by item, and the `next` of it."""
        order = UniverseOrder(self.store)
        if wanted.item is not None:
            return (order.of_items(job, [wanted.item]) if is_item(wanted.item) else {}), None
        if wanted.start is None:
            page = self.store.results.page(job.results_partition, limit, wanted.after)
            return page.results, result_token(page.next)
        start = wanted.start
        if start == 0 and wanted.after_item is not None:
            found = order.index_after(job, wanted.after_item)
            if found is None:
                raise RequestError(400, f"is no item of job `{job.job_id}`", "after")
            start = found
        ordered = order.page(job, limit, start, every=wanted.every)
        return ordered.results, index_token(ordered.next)

    def jobs_page(
        self, limit: int, after: ListCursor | None
    ) -> tuple[list[dict[str, object]], ListCursor | None]:
        """Return a page of the list and where the next one begins, if any.

        A job's status is as of now as far as one DescribeJobs can tell, else as last recorded.
        """
        listed, following = self.store.listing.page(limit, after)
        found = self._refreshed(listed)
        return [_listed(job, found.get(job.job_id)) for job in listed], following

    def _refreshed(self, listed: Sequence[ListedJob]) -> dict[str, Progress]:
        records = self.store.read_many([job.job_id for job in listed])
        # In the order of the list, so that what one call can't tell is the oldest.
        jobs = limit_ids([records[job.job_id] for job in listed if job.job_id in records])
        seen = self.monitor.refresh(jobs, self._deadline())
        return {job.job_id: progress for job, progress in zip(jobs, seen, strict=True)}

    def _deadline(self) -> float:
        return self.store.monotonic() + COUNTING_S


def _job(job: JobRecord, progress: Progress) -> dict[str, object]:
    finished = {} if progress.finished_at is None else {"finished_at": progress.finished_at}
    return {
        "job_id": job.job_id,
        "status": progress.status,
        "created_at": job.created_at,
        **finished,
        "items": job.items,
        "tasks": progress.counts.shown(),
        **_items(progress),
        **({} if job.reason is None else {"reason": job.reason}),
        **({} if job.run == 1 else {"attempt": job.run}),
    }


def _items(progress: Progress | None) -> dict[str, object]:
    """Return how the items stand, and why some failed; nothing where nobody knows."""
    if progress is None or progress.items is None:
        return {}
    items = progress.items
    counts = {
        "total": items.total,
        "pending": items.pending,
        "running": items.running,
        "succeeded": items.succeeded,
        "failed": items.failed,
    }
    failures = {reason: number for reason, number in sorted(items.reasons.items()) if number}
    return {"item_counts": counts, **({"failures": failures} if failures else {})}


def _reclaims(reclaims: Reclaims) -> dict[str, object]:
    if not reclaims.count:
        return {}
    return {"reclaims": {"count": reclaims.count, "seconds": reclaims.seconds}}


def _listed(job: ListedJob, progress: Progress | None) -> dict[str, object]:
    finished_at = progress.finished_at if progress else job.finished_at
    return {
        "job_id": job.job_id,
        "status": progress.status if progress else job.status,
        "created_at": job.created_at,
        **({} if finished_at is None else {"finished_at": finished_at}),
        "items": job.items,
        "tasks": job.tasks,
        **_items(progress),
    }
