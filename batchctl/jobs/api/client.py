"""Jobs of an application, through its endpoint: submit, show, list, wait, results."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote, urlencode

import urllib3

from batchctl.contract.job_options import NO_OPTIONS, JobOptions
from batchctl.jobs.api.connection import Answer, Connection, Patience, Sign
from batchctl.jobs.api.job import Job, JobPage, JobSummary, Result, Submitted
from batchctl.jobs.api.new_task import LOAD_BALANCER, Door, Entry, check_job_id
from batchctl.jobs.api.requests import NewJob
from batchctl.jobs.errors import (
    Forbidden,
    InvalidJob,
    JobConflict,
    JobNotFound,
    StillRunning,
    TooLarge,
    UnexpectedAnswer,
)

_SUBMIT = "PUT /v1/new-task"
FIRST_POLL_S, LONGEST_POLL_S = 0.2, 5.0
LATE_SHARE = 0.1
"""The end of a job is seen by so much of its time later than it came, within these two."""
RESULTS_A_PAGE = 1000
"""The most that the API gives at once; it gives fewer when they are big."""
WAITING_S = 60.0
"""How long an API may be away that has not answered yet."""
SEEN_S = 600.0
"""A job that was seen goes on whether or not we see it: ten minutes' silence is no failure."""

_Parsed = TypeVar("_Parsed")
NO_QUERY: Mapping[str, str] = {}


@dataclass(frozen=True)
class Wanted:
    """Which results to read: by their items' bytes, or in the order of the universe.

    Only in that order can they begin after an item, and have `every` item, those without a result
    as PENDING.
    """

    in_order: bool = False
    every: bool = False
    after: str | None = None

    def query(self, token: str | None) -> Mapping[str, str]:
        """Return what it adds to the query of a page, which begins at a `next` or (None) first."""
        if not self.in_order:
            return NO_QUERY
        query = {"order": "universe"} | ({"all": "true"} if self.every else {})
        return query | ({"after": self.after} if self.after is not None and token is None else {})


BY_ITEM = Wanted()


class JobsClient:
    """The jobs of the application at `endpoint` (`http://HOST:9999`).

    `sign` gives the headers of a request that must be signed, `caller` names who signs it; `door`
    says how large a job may be. All methods raise Unreachable, Forbidden, and UnexpectedAnswer for
    what isn't our API.
    """

    def __init__(  # noqa: PLR0913  # what tests pass in, beside what the caller knows
        self,
        endpoint: str,
        *,
        sign: Sign | None = None,
        caller: Callable[[], str | None] = lambda: None,
        http: urllib3.PoolManager | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        door: Door = LOAD_BALANCER,
    ) -> None:
        """Connect to nothing yet; raises UsageError for an endpoint that is no URL of HTTP."""
        self._connection = Connection(endpoint, sign=sign, http=http, sleep=sleep, clock=clock)
        self._caller = caller
        self._sleep = sleep
        self._clock = clock
        self._door = door

    def submit(
        self,
        job_id: str,
        universe: Sequence[Entry],
        parameters: Mapping[str, object] | None = None,
        options: JobOptions = NO_OPTIONS,
        on_part: Callable[[int, int], object] = lambda _sent, _of: None,
    ) -> Submitted:
        """Submit a job. Submitting the same one again is safe: `created` is then False.

        Whatever its `options` are: those of the first time stay. What is too large for one request
        goes in parts, of which `on_part` gets how many are sent, and of how many; the job begins
        with the last one. Raises InvalidJob and TooLarge, most of them before anything is sent, and
        JobConflict.
        """
        job = NewJob(job_id, universe, parameters or {}, options)
        requests, bodies = job.bodies(self._door)
        for sent, body in enumerate(bodies, start=1):
            answer = self._submit(job_id, body)
            if requests > 1:
                on_part(sent, requests)
            if sent < requests:
                _parsed(_SUBMIT, answer, {200, 202}, dict)
        created = answer.status == 202
        return _parsed(
            _SUBMIT, answer, {200, 202}, lambda data: Submitted.from_answer(data, created=created)
        )

    def _submit(self, job_id: str, body: bytes) -> Answer:
        """Send a job, or a part of one; raises what is wrong with it."""
        answer = self._send("PUT", "/v1/new-task", body)
        if answer.status == 400:
            raise _invalid(answer, "submit the job")
        if answer.status == 409:
            raise JobConflict(job_id)
        if answer.status == 413:
            raise TooLarge(len(body), None)
        return answer

    def show(self, job_id: str, *, limit: int | None = None, after: str | None = None) -> Job:
        """Read a job with a page of results: at most `limit`, from `after` (a `next`) on.

        Raises JobNotFound, and InvalidJob for what can't be the id of a job.
        """
        return self._show(job_id, limit, after, Patience())

    def list(self, *, limit: int | None = None, after: str | None = None) -> JobPage:
        """Read a page of jobs, newest first: at most `limit`, from `after` (a `next`) on."""
        target = _target("/v1/tasks", limit, after)
        answer = self._send("GET", target)
        if answer.status == 400:
            raise _invalid(answer, "list jobs")
        return _parsed(f"GET {target}", answer, {200}, JobPage.from_answer)

    def all_jobs(self, page: int | None = None) -> Iterator[JobSummary]:
        """Yield the jobs, newest first; so many at a time are read, None: as many as come."""
        after: str | None = None
        while True:
            found = self.list(limit=page, after=after)
            yield from found.jobs
            if found.next is None:
                return
            after = found.next

    def results(
        self,
        job_id: str,
        on_page: Callable[[Job], object] | None = None,
        on_retry: Callable[[str, float], object] | None = None,
        wanted: Wanted = BY_ITEM,
    ) -> Iterator[Result]:
        """Yield every result that is wanted, page by page; nothing is kept in memory.

        `on_page` gets the job as it stood at each page, `on_retry` why the API is asked again:
        after the first page it may be away for a minute. Raises as `show` does, when the first
        result is asked for or, for a connection, later.
        """
        after: str | None = None
        patience = Patience()
        while True:
            job = self._show(job_id, RESULTS_A_PAGE, after, patience, wanted.query(after))
            if on_page:
                on_page(job)
            yield from job.results
            patience = Patience(WAITING_S, WAITING_S, on_retry)
            if job.next is None:
                return
            after = job.next

    def wait(
        self,
        job_id: str,
        on_progress: Callable[[Job], object],
        timeout_s: float | None = None,
        on_retry: Callable[[str, float], object] | None = None,
    ) -> Job:
        """Wait until a job has ended; `on_progress` gets the job at every poll, the last included.

        Those jobs have the counts; read the results by `results`. An API that is away is asked
        again for a minute, and for ten once it has shown the job; `on_retry` gets the cause and the
        seconds that have passed. Raises as `show` does, and StillRunning after `timeout_s` seconds.
        """
        started, silence_s = self._clock(), WAITING_S
        while True:
            if timeout_s is not None:
                silence_s = min(silence_s, max(timeout_s - (self._clock() - started), 0.0))
            job = self._show(job_id, 1, None, Patience(silence_s, silence_s, on_retry))
            silence_s = SEEN_S
            on_progress(job)
            if job.ended:
                return job
            passed_s = self._clock() - started
            delay_s = min(max(FIRST_POLL_S, LATE_SHARE * passed_s), LONGEST_POLL_S)
            if timeout_s is not None:
                if passed_s >= timeout_s:
                    raise StillRunning(job_id, job.status, timeout_s)
                delay_s = min(delay_s, timeout_s - passed_s)
            self._sleep(delay_s)

    def result_of(self, job_id: str, item: str) -> Result | None:
        """Read the result of one item; None when it has none. Raises as `show` does."""
        job = self._show(job_id, None, None, Patience(), {"item": item})
        return next((each for each in job.results if each.item == item), None)

    def _show(
        self,
        job_id: str,
        limit: int | None,
        after: str | None,
        patience: Patience,
        more: Mapping[str, str] = NO_QUERY,
    ) -> Job:
        check_job_id(job_id, "read the job")
        target = _target(f"/v1/tasks/{quote(job_id, safe='')}", limit, after, more)
        answer = self._send("GET", target, patience=patience)
        if answer.status == 404 and answer.body is not None:
            raise JobNotFound(job_id)
        if answer.status == 400:
            raise _invalid(answer, "read the job")
        return _parsed(f"GET {target}", answer, {200}, Job.from_answer)

    def _send(
        self, method: str, target: str, body: bytes = b"", patience: Patience | None = None
    ) -> Answer:
        answer = self._connection.send(method, target, body, patience=patience)
        if answer.status == 403:
            raise Forbidden(f"{method} {target}", answer.error, self._caller())
        return answer


def _target(
    path: str, limit: int | None, after: str | None, more: Mapping[str, str] = NO_QUERY
) -> str:
    query = {"limit": limit, "next": after, **more}
    given = {key: value for key, value in query.items() if value is not None}
    return f"{path}?{urlencode(given, quote_via=quote)}" if given else path


def _invalid(answer: Answer, doing: str) -> InvalidJob:
    field = (answer.body or {}).get("field")
    return InvalidJob(field if isinstance(field, str) else None, answer.error, doing)


def _parsed(
    request: str, answer: Answer, expected: set[int], parse: Callable[[dict[str, object]], _Parsed]
) -> _Parsed:
    if answer.status not in expected or answer.body is None:
        raise UnexpectedAnswer(request, answer.status, answer.error)
    try:
        return parse(answer.body)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnexpectedAnswer(request, answer.status, "which isn't of this API") from error
