"""A job as scripts and notebooks use it: its counts, its results as they come, its end."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from batchctl.application.notebook import job_html
from batchctl.contract.statuses import ItemStatus
from batchctl.errors import BatchctlError
from batchctl.jobs.api.job import Result

if TYPE_CHECKING:
    import pandas as pd

    from batchctl.application.application import Application
    from batchctl.application.diagnosis import Diagnosis
    from batchctl.jobs import Job, JobsClient
    from batchctl.jobs.control import Cancelled, Retried
    from batchctl.jobs.logs.reader import Line

POLL_S = 1.0
"""How often results are looked for while a job runs."""


class ItemFailed(BatchctlError):
    """An item has failed: `item`, its `reason` (`EXCEPTION`, `OUT_OF_MEMORY` …) and its `error`."""

    code = "item_failed"

    def __init__(self, result: Result, job_id: str) -> None:
        """Keep what is recorded of it."""
        super().__init__(
            f"item `{result.item}` failed: {result.error or result.reason or 'no reason is known'}",
            hint=f"`batchctl logs {job_id} --item {result.item}` has what it wrote",
        )
        self.item, self.reason, self.error = result.item, result.reason, result.error


class NoResult(BatchctlError):
    """An item of an ended job has no result: the job was cancelled before its turn came."""

    code = "no_result"


@dataclass(frozen=True)
class Results:
    """The results of a job, read page by page each time they are iterated over."""

    job_id: str
    client: JobsClient

    def __iter__(self) -> Iterator[Result]:
        """Yield what there is now; memory doesn't grow with it."""
        return self.client.results(self.job_id)

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return a row an item: `item`, `status`, what compute returned, `error`, `reason`."""
        return [_row(each) for each in self]

    def to_pandas(self) -> pd.DataFrame:
        """Return them as a DataFrame with a row an item; BatchctlError without pandas."""
        try:
            import pandas as pd  # noqa: PLC0415 - who doesn't ask for it needn't have it
        except ImportError as error:
            raise BatchctlError(
                "could not make a DataFrame: pandas isn't installed", hint="`pip install pandas`"
            ) from error
        return pd.DataFrame(self.to_dicts())

    def _repr_html_(self) -> str:
        return job_html(self.client.show(self.job_id, limit=_SHOWN))


_SHOWN = 20


@dataclass(frozen=True)
class JobHandle:
    """A job by its id; what it is asked for is read then. All methods raise BatchctlError."""

    id: str
    client: JobsClient
    application: Application

    def show(self) -> Job:
        """Return the job as it stands, with the first results; JobNotFound."""
        return self.client.show(self.id)

    @property
    def status(self) -> str:
        """Where it stands: `QUEUED`, `RUNNING`, `SUCCEEDED` and so on."""
        return self.client.show(self.id, limit=1).status

    def wait(self, *, progress: bool = False, timeout_s: float | None = None) -> JobHandle:
        """Wait until it has ended, and return it; StillRunning after `timeout_s`.

        With `progress` a line on stderr says how far it is; Ctrl-C leaves the job running.
        """
        self.client.wait(self.id, _line_on_stderr if progress else _ignore, timeout_s)
        if progress:
            sys.stderr.write("\n")
        return self

    async def wait_async(self, *, timeout_s: float | None = None) -> JobHandle:
        """Wait without blocking the event loop."""
        return await asyncio.to_thread(self.wait, timeout_s=timeout_s)

    def results(self) -> Results:
        """Return its results, as far as there are any."""
        return Results(self.id, self.client)

    def map(
        self,
        items: Sequence[str],
        *,
        return_exceptions: bool = False,
        sleep: Callable[[float], object] = time.sleep,
    ) -> Iterator[tuple[str, object]]:
        """Yield these items with their results in this order, each when it is there.

        Results that come before their turn are kept until then, all others are read once. Raises
        ItemFailed, NoResult, or yields them with `return_exceptions`.
        """
        waiting = _Arriving(self, sleep)
        for item in items:
            result = waiting.result_of(item)
            failure = self._failure(item, result)
            if failure is not None and not return_exceptions:
                raise failure
            yield item, failure if failure is not None else _value(result)

    def cancel(self) -> Cancelled:
        """End what runs of it for good; Refused when it has ended."""
        return self.application.job_changes().cancel(self.id)

    def retry(self, *, memory_mib: int | None = None, on_demand: bool = False) -> Retried:
        """Run what failed, and what is missing, again; Refused while it runs."""
        changes = self.application.job_changes()
        return changes.retry(self.id, memory_mib=memory_mib, on_demand=on_demand)

    def logs(self, item: str | None = None) -> Iterator[Line]:
        """Yield the lines that its tasks, or those of an item, have written so far."""
        return self.application.logs(self.id, item).written(None)

    def why(self) -> Diagnosis:
        """Return why it waits or failed, as far as AWS says, and what to do."""
        return self.application.why(self.id)

    def _failure(self, item: str, result: Result | None) -> BatchctlError | None:
        if result is None:
            return NoResult(
                f"item `{item}` has no result: job `{self.id}` ended before its turn came",
                hint=f"`app.job({self.id!r}).retry()` runs the rest",
            )
        return None if result.status == ItemStatus.SUCCEEDED else ItemFailed(result, self.id)

    def _repr_html_(self) -> str:
        return job_html(self.client.show(self.id, limit=_SHOWN))


class _Arriving:
    """Results as they arrive, on disk until their turn comes: memory doesn't grow with them."""

    def __init__(self, job: JobHandle, sleep: Callable[[float], object]) -> None:
        self._job, self._sleep, self._ended, self._seen = job, sleep, False, -1
        # A temporary database of SQLite's own, on disk as soon as it is large.
        self._kept = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._kept.execute("CREATE TABLE result (item TEXT PRIMARY KEY, content TEXT)")

    def result_of(self, item: str) -> Result | None:
        """Wait for the result of an item; None when the job has ended without one."""
        while (found := self._take(item)) is None and not self._ended:
            # First whether it has ended, then the results: then they are all there.
            job = self._job.client.show(self._job.id, limit=1)
            began = time.monotonic()
            if job.ended or job.progress.ended != self._seen:
                self._read()
            self._ended, self._seen = job.ended, job.progress.ended
            if not job.ended:
                # Reading them all again takes its time when there are many: that isn't the job.
                self._sleep(max(POLL_S, 4 * (time.monotonic() - began)))
        return found

    def _take(self, item: str) -> Result | None:
        """Return a result and forget it, but for that it was there."""
        query = "SELECT content FROM result WHERE item = ? AND content IS NOT NULL"
        row = self._kept.execute(query, (item,)).fetchone()
        if row is None:
            return None
        self._kept.execute("UPDATE result SET content = NULL WHERE item = ?", (item,))
        return Result(**json.loads(row[0]))

    def _read(self) -> None:
        rows = ((each.item, json.dumps(asdict(each))) for each in self._job.results())
        self._kept.execute("BEGIN")
        self._kept.executemany("INSERT OR IGNORE INTO result VALUES (?, ?)", rows)
        self._kept.execute("COMMIT")


def _value(result: Result | None) -> object:
    return None if result is None else result.result


def _row(result: Result) -> dict[str, Any]:
    value = result.result if isinstance(result.result, dict) else {"result": result.result}
    ours = {"item": result.item, "status": result.status}
    rest = {"error": result.error, "reason": result.reason, "seconds": result.seconds}
    return {**ours, **({} if result.result is None else value), **rest}


def _ignore(_: Job) -> None:
    return None


def _line_on_stderr(job: Job) -> None:
    counts = job.progress
    text = f"{job.job_id}: {job.status}, {counts.ended} of {counts.total} {job.counted}"
    sys.stderr.write("\r" + json.dumps(text)[1:-1].ljust(79))
    sys.stderr.flush()
