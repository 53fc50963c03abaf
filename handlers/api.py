"""JobAPI: `GET /v1/tasks` lists the jobs, `GET /v1/tasks/<job_id>` shows one with its results."""

from __future__ import annotations

import base64
import json
import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from handlers import clients
from handlers.http.front_door import FrontDoor, RequestError, query, reply
from handlers.keeping import keeping_of
from handlers.log import logger
from handlers.malformed import TIMESTAMP
from handlers.record import FINAL, JOB, JOB_ID, MAX_ITEM_BYTES, JobRecord, Reclaims
from handlers.store.jobs import JobTable, ListCursor, Listed
from handlers.store.results import Results
from handlers.tracking.monitor import Monitor, Progress, limit_ids, monitor_of

if TYPE_CHECKING:
    from aws_lambda_powertools.event_handler import Response
    from aws_lambda_powertools.utilities.typing import LambdaContext

MAX_JOBS, DEFAULT_JOBS = 100, 20
MAX_RESULTS, DEFAULT_RESULTS = 1000, 100
COUNTING_S = 10.0
"""How long one request may count results: API Gateway waits 29 s for a function (its quotas)."""

MAX_PARTITION_KEY_BYTES, MAX_SORT_KEY_BYTES = 2048, 1024
"""DynamoDB quotas, "Partition keys and sort keys"."""

front_door = FrontDoor()
routes = front_door.routes


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer an event of a load balancer or of API Gateway."""
    return front_door.answer(event, context)


@routes.get("/v1/tasks")
def get_tasks() -> Response[object]:
    """List the accepted jobs, newest first: `limit` (1 to 100) a page, `next` from page to page."""
    limit = _limit(DEFAULT_JOBS, MAX_JOBS)
    jobs, following = reader().jobs_page(limit, _list_cursor(query(routes.current_event, "next")))
    return reply(200, _with_next({"jobs": jobs}, _list_token(following)))


@routes.get("/v1/tasks/<job_id>")
def get_task(job_id: str) -> Response[object]:
    """Show a job and a page of its results: `limit` (1 to 1,000) of them at most, then `next`."""
    job_id = unquote(job_id)
    if not JOB_ID.fullmatch(job_id):
        raise RequestError(404, "no job has such an id: it takes letters, digits, `_` and `-`")
    logger.append_keys(job_id=job_id)
    limit = _limit(DEFAULT_RESULTS, MAX_RESULTS)
    after = _result_position(query(routes.current_event, "next"))
    return reply(200, reader().job(job_id, limit, after))


@dataclass(frozen=True)
class Reader:
    """Reads jobs for clients. `clock` is the one that the results' counting goes by."""

    jobs: JobTable
    results: Results
    monitor: Monitor
    clock: Callable[[], float]

    def job(self, job_id: str, limit: int, after: str | None) -> dict[str, object]:
        """Give a job as clients see it; raises RequestError (404), MalformedItemError."""
        job = self.jobs.shown(job_id)
        if job is None:
            raise RequestError(404, f"no job `{job_id}`")
        # First the status, then the results: a job shown as ended has them all.
        (progress,) = self.monitor.look([job], self.clock() + COUNTING_S)
        page = self.results.page(job_id, limit, after)
        reclaims = job.reclaims or self.monitor.reclaims.total(job_id)
        shown = _job(job, progress) | _reclaims(reclaims) | {"results": page.results}
        return _with_next(shown, None if page.next is None else _token(page.next))

    def jobs_page(
        self, limit: int, after: ListCursor | None
    ) -> tuple[list[dict[str, object]], ListCursor | None]:
        """Give a page of the list and where the next one begins, if any.

        A job's status is as of now as far as one DescribeJobs can tell, else as last recorded.
        """
        listed, following = self.jobs.page(limit, after)
        found = self._looked_at([job for job in listed if job.status not in FINAL])
        return [_listed(job, found.get(job.job_id)) for job in listed], following

    def _looked_at(self, unfinished: Sequence[Listed]) -> dict[str, Progress]:
        records = self.jobs.read_many([job.job_id for job in unfinished])
        # In the order of the list, so that what one call can't tell is the oldest.
        jobs = limit_ids([records[job.job_id] for job in unfinished if job.job_id in records])
        seen = self.monitor.look(jobs, self.clock() + COUNTING_S)
        return {job.job_id: progress for job, progress in zip(jobs, seen, strict=True)}


def _job(job: JobRecord, progress: Progress) -> dict[str, object]:
    finished = {} if progress.finished_at is None else {"finished_at": progress.finished_at}
    return {
        "job_id": job.job_id,
        "status": progress.status,
        "created_at": job.created_at,
        **finished,
        "items": job.items,
        "tasks": progress.counts.shown(),
        **({} if job.attempt == 1 else {"attempt": job.attempt}),
    }


def _reclaims(reclaims: Reclaims) -> dict[str, object]:
    if not reclaims.count:
        return {}
    return {"reclaims": {"count": reclaims.count, "seconds": reclaims.seconds}}


def _listed(job: Listed, progress: Progress | None) -> dict[str, object]:
    finished_at = progress.finished_at if progress else job.finished_at
    return {
        "job_id": job.job_id,
        "status": progress.status if progress else job.status,
        "created_at": job.created_at,
        **({} if finished_at is None else {"finished_at": finished_at}),
        "items": job.items,
        "tasks": job.tasks,
    }


def _limit(default: int, most: int) -> int:
    value = query(routes.current_event, "limit")
    if value is None:
        return default
    if not re.fullmatch(r"[0-9]{1,6}", value) or not 1 <= int(value) <= most:
        raise RequestError(400, f"must be a whole number from 1 to {most}", "limit")
    return int(value)


def _with_next(body: dict[str, object], token: str | None) -> dict[str, object]:
    return body if token is None else {**body, "next": token}


def _list_token(position: ListCursor | None) -> str | None:
    """Make a place in the list opaque; one at what is no job of ours has a form of its own."""
    if position is None:
        return None
    if _is_ours(position):
        return _token(position.created_at, position.job_id)
    return _encoded([{"after": [position.created_at, position.job_id, position.item]}])


def _is_ours(position: ListCursor) -> bool:
    is_timestamp = TIMESTAMP.fullmatch(position.created_at)
    return bool(is_timestamp and JOB_ID.fullmatch(position.job_id) and position.item == JOB)


def _list_cursor(token: str | None) -> ListCursor | None:
    if token is None:
        return None
    match _untoken(token):
        case [str(created_at), str(job_id)] if _is_ours(ListCursor(created_at, job_id)):
            return ListCursor(created_at, job_id)
        case [{"after": [str(created_at), str(job_id), str(item)]}] if (
            _is_key(created_at, MAX_SORT_KEY_BYTES)
            and _is_key(job_id, MAX_PARTITION_KEY_BYTES)
            and _is_key(item, MAX_SORT_KEY_BYTES)
        ):
            return ListCursor(created_at, job_id, item)
    raise RequestError(400, "is not a `next` of this list", "next")


def _result_position(token: str | None) -> str | None:
    if token is None:
        return None
    match _untoken(token):
        case [str(item)] if _is_key(item, MAX_ITEM_BYTES):
            return item
        case [""]:
            return ""  # nobody's item, but a container may have written a result of it
    raise RequestError(400, "is not a `next` of these results", "next")


def _is_key(value: str, most_bytes: int) -> bool:
    """Tell whether DynamoDB would take a string as a key of an item."""
    try:
        return 0 < len(value.encode()) <= most_bytes
    except UnicodeEncodeError:
        return False


def _token(*place: str) -> str:
    """Make a place opaque."""
    return _encoded(list(place))


def _encoded(place: list[Any]) -> str:
    """Write JSON in URL-safe base64, without padding."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def _untoken(token: str) -> object:
    """Read what `_encoded` made; `None` for anything else."""
    try:
        return json.loads(base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True))
    except (ValueError, RecursionError):
        return None


@cache
def reader() -> Reader:
    """Give the reader that the function's environment describes."""
    monitor = monitor_of(
        clients.dynamodb(), os.environ["TABLE"], clients.batch(), keeping_of(os.environ)
    )
    return Reader(monitor.jobs, monitor.results, monitor, time.monotonic)
