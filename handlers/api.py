"""JobAPI: `GET /v1/tasks` lists the jobs, `GET /v1/tasks/<job_id>` shows one with its results."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from batchctl.contract.limits import is_job_id
from handlers import wiring
from handlers.http.front_door import FrontDoor, RequestError, query, reply
from handlers.http.page_tokens import list_cursor, list_token, result_cursor, with_next
from handlers.log import logger

if TYPE_CHECKING:
    from aws_lambda_powertools.event_handler import Response
    from aws_lambda_powertools.utilities.typing import LambdaContext

MAX_JOBS, DEFAULT_JOBS = 100, 20
MAX_RESULTS, DEFAULT_RESULTS = 1000, 100

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
    after = list_cursor(query(routes.current_event, "next"))
    jobs, following = wiring.reader().jobs_page(limit, after)
    return reply(200, with_next({"jobs": jobs}, list_token(following)))


@routes.get("/v1/tasks/<job_id>")
def get_task(job_id: str) -> Response[object]:
    """Show a job and a page of its results: `limit` (1 to 1,000) of them at most, then `next`."""
    job_id = unquote(job_id)
    if not is_job_id(job_id):
        raise RequestError(404, "no job has such an id: it takes letters, digits, `_` and `-`")
    logger.append_keys(job_id=job_id)
    limit = _limit(DEFAULT_RESULTS, MAX_RESULTS)
    after = result_cursor(query(routes.current_event, "next"))
    return reply(200, wiring.reader().job(job_id, limit, after))


def _limit(default: int, most: int) -> int:
    value = query(routes.current_event, "limit")
    if value is None:
        return default
    if not re.fullmatch(r"[0-9]{1,6}", value) or not 1 <= int(value) <= most:
        raise RequestError(400, f"must be a whole number from 1 to {most}", "limit")
    return int(value)
