"""JobAPI: `GET /v1/tasks` lists the jobs, `GET /v1/tasks/<job_id>` shows one with its results."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from batchctl.contract.limits import is_job_id
from handlers import wiring
from handlers.http.front_door import FrontDoor, RequestError, query, reply
from handlers.http.page_tokens import (
    index_cursor,
    list_cursor,
    list_token,
    result_cursor,
    with_next,
)
from handlers.http.reader import Wanted
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
    """Show a job and a page of its results: `limit` (1 to 1,000) of them at most, then `next`.

    They are ordered by their items' bytes, with `order=universe` as in the universe: then
    `all=true` adds the items without one, and `after` begins behind an item. `item` shows that of
    one item.
    """
    job_id = unquote(job_id)
    if not is_job_id(job_id):
        raise RequestError(404, "no job has such an id: it takes letters, digits, `_` and `-`")
    logger.append_keys(job_id=job_id)
    limit = _limit(DEFAULT_RESULTS, MAX_RESULTS)
    return reply(200, wiring.reader().job(job_id, limit, _wanted()))


def _wanted() -> Wanted:
    event = routes.current_event
    token, order, item = query(event, "next"), query(event, "order"), query(event, "item")
    if order not in (None, "item", "universe"):
        raise RequestError(400, "must be `item` or `universe`", "order")
    in_order = order == "universe"
    every, after = query(event, "all"), query(event, "after")
    if every not in (None, "true", "false"):
        raise RequestError(400, "must be `true` or `false`", "all")
    if not in_order and (every == "true" or after is not None):
        name = "all" if every == "true" else "after"
        raise RequestError(400, "goes with `order=universe`", name)
    return Wanted(
        after=None if in_order else result_cursor(token),
        start=index_cursor(token) if in_order else None,
        after_item=after,
        every=every == "true",
        item=item,
    )


def _limit(default: int, most: int) -> int:
    value = query(routes.current_event, "limit")
    if value is None:
        return default
    if not re.fullmatch(r"[0-9]{1,6}", value) or not 1 <= int(value) <= most:
        raise RequestError(400, f"must be a whole number from 1 to {most}", "limit")
    return int(value)
