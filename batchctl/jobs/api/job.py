"""Jobs and results as the API answers them, as frozen data.

`from_answer` of each reads a JSON object of the API, ignores what it doesn't know, and raises
KeyError, TypeError or ValueError for what isn't one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from batchctl.contract.statuses import FINAL


@dataclass(frozen=True)
class Submitted:
    """A job that the API has taken; `created` is False when it had it already."""

    job_id: str
    status: str
    tasks: int
    href: str
    created: bool

    @classmethod
    def from_answer(cls, body: Mapping[str, Any], *, created: bool) -> Self:
        """Read the answer to a submission."""
        return cls(
            job_id=_text(body["job_id"]),
            status=_text(body["status"]),
            tasks=int(body["tasks"]),
            href=_text(body["href"]),
            created=created,
        )


@dataclass(frozen=True)
class Counts:
    """How many tasks or items of a job there are, and in which state they are."""

    total: int
    pending: int
    running: int
    succeeded: int
    failed: int

    @property
    def ended(self) -> int:
        """Count those that are over."""
        return self.succeeded + self.failed

    @classmethod
    def from_answer(cls, body: Mapping[str, Any]) -> Self:
        """Read the counts."""
        return cls(*(int(body[name]) for name in cls.__dataclass_fields__))


@dataclass(frozen=True)
class Result:
    """What became of one item: `result` (any JSON) when SUCCEEDED, `error` when FAILED.

    PENDING is one without a result. `parameters` are its own, where they were read with it.

    `attempts` are the tries it took and `seconds` how long the last of them ran, where recorded.
    `reason` says what kind of failure it was (`OUT_OF_MEMORY`), `exit_code` and `signal` what its
    process or container ended with; `peak_memory_mib` is the most memory that it held.
    """

    item: str
    status: str
    result: object = None
    error: str | None = None
    attempts: int | None = None
    seconds: float | None = None
    reason: str | None = None
    exit_code: int | None = None
    signal: str | None = None
    peak_memory_mib: float | None = None
    parameters: Mapping[str, object] | None = None

    @classmethod
    def from_answer(cls, item: str, body: Mapping[str, Any]) -> Self:
        """Read the result of `item`."""
        attempts, seconds = body.get("attempts"), body.get("seconds")
        exit_code, peak_memory_mib = body.get("exit_code"), body.get("peak_memory_mib")
        signal = body.get("signal")
        return cls(
            item=item,
            status=_text(body["status"]),
            result=body.get("result"),
            error=body.get("error"),
            attempts=None if attempts is None else int(attempts),
            seconds=None if seconds is None else float(seconds),
            reason=body.get("reason"),
            exit_code=None if exit_code is None else int(exit_code),
            signal=None if signal is None else str(signal),
            peak_memory_mib=None if peak_memory_mib is None else float(peak_memory_mib),
            parameters=body.get("parameters"),
        )


@dataclass(frozen=True)
class Reclaims:
    """How often Spot took hosts away from a job, and the seconds of work that were lost by it."""

    count: int
    seconds: float

    @classmethod
    def from_answer(cls, body: Mapping[str, Any]) -> Self:
        """Read the sums."""
        return cls(int(body["count"]), float(body["seconds"]))


@dataclass(frozen=True)
class Job:
    """A job as it stands, with a page of its results; `next` is where the next page begins.

    `attempt` is 1 until the job is retried; `reclaims` is None when there were none. `item_counts`
    and `failures`, which counts failed items by reason, are None from an API of before they were
    counted. `reason` is what ended the job, where that was no item's (`MAX_FAILURES`).
    """

    job_id: str
    status: str
    created_at: datetime
    finished_at: datetime | None
    items: int
    tasks: Counts
    results: tuple[Result, ...]
    next: str | None
    attempt: int = 1
    reclaims: Reclaims | None = None
    item_counts: Counts | None = None
    failures: Mapping[str, int] | None = None
    reason: str | None = None

    @property
    def progress(self) -> Counts:
        """The counts of items or, from an API that doesn't count them, of tasks."""
        return self.item_counts or self.tasks

    @property
    def counted(self) -> str:
        """What `progress` counts: `items` or `tasks`."""
        return "items" if self.item_counts else "tasks"

    @property
    def ended(self) -> bool:
        """Whether nothing about the job changes any more."""
        return self.status in FINAL

    @classmethod
    def from_answer(cls, body: Mapping[str, Any]) -> Self:
        """Read a job."""
        results, reclaims = body.get("results", {}).items(), body.get("reclaims")
        failures, reason = body.get("failures"), body.get("reason")
        return cls(
            job_id=_text(body["job_id"]),
            status=_text(body["status"]),
            created_at=datetime.fromisoformat(body["created_at"]),
            finished_at=_time(body.get("finished_at")),
            items=int(body["items"]),
            tasks=Counts.from_answer(body["tasks"]),
            results=tuple(Result.from_answer(item, result) for item, result in results),
            next=body.get("next"),
            attempt=int(body.get("attempt", 1)),
            reclaims=None if reclaims is None else Reclaims.from_answer(reclaims),
            item_counts=_item_counts(body),
            failures=None if failures is None else {_text(k): int(n) for k, n in failures.items()},
            reason=None if reason is None else _text(reason),
        )


@dataclass(frozen=True)
class JobSummary:
    """A job in the list; `tasks` is how many it has, `item_counts` None where it isn't known."""

    job_id: str
    status: str
    created_at: datetime
    finished_at: datetime | None
    items: int
    tasks: int
    item_counts: Counts | None = None

    @classmethod
    def from_answer(cls, body: Mapping[str, Any]) -> Self:
        """Read a job of the list."""
        tasks = body["tasks"]
        return cls(
            job_id=_text(body["job_id"]),
            status=_text(body["status"]),
            created_at=datetime.fromisoformat(body["created_at"]),
            finished_at=_time(body.get("finished_at")),
            items=int(body["items"]),
            tasks=int(tasks["total"] if isinstance(tasks, dict) else tasks),
            item_counts=_item_counts(body),
        )


@dataclass(frozen=True)
class JobPage:
    """Jobs, newest first; `next` is where the next page begins, None after the last."""

    jobs: tuple[JobSummary, ...]
    next: str | None

    @classmethod
    def from_answer(cls, body: Mapping[str, Any]) -> Self:
        """Read a page of the list."""
        return cls(tuple(JobSummary.from_answer(job) for job in body["jobs"]), body.get("next"))


def _item_counts(body: Mapping[str, Any]) -> Counts | None:
    counts = body.get("item_counts")
    return None if counts is None else Counts.from_answer(counts)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _time(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)
