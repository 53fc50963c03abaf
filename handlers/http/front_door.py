"""HTTP for the functions: one set of routes, behind a load balancer or API Gateway, errors as JSON.

The two doors send events of different shapes. `FrontDoor` tells them apart in one place, and routes
see powertools' event classes alone. What differs is evened out here: a load balancer doesn't decode
query strings and API Gateway does, and a path with or without a slash at its end is the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.event_handler import ALBResolver, APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from botocore.exceptions import BotoCoreError, ClientError

from batchctl.contract.fields import MalformedItemError
from handlers.log import logger
from handlers.store.malformed import reporting_skipped, skipped

if TYPE_CHECKING:
    from aws_lambda_powertools.event_handler.api_gateway import ApiGatewayResolver
    from aws_lambda_powertools.utilities.data_classes.common import BaseProxyEvent
    from aws_lambda_powertools.utilities.typing import LambdaContext

JSON = "application/json"
SLASHES_AT_END = re.compile(r"/+$")


class RequestError(Exception):
    """What the client sent can't be done: an HTTP status below 500, why, and the wrong field."""

    def __init__(self, status_code: int, error: str, field: str | None = None) -> None:
        """Keep what the answer says."""
        super().__init__(error)
        self.status_code = status_code
        self.error = error
        self.field = field


class UnavailableError(Exception):
    """Something on our side is busy; the same request again, later, is the cure."""


class FrontDoor:
    """Routes that answer events of a load balancer and of API Gateway (REST, proxy integration).

    Register them on `routes`, all before the first answer.
    """

    def __init__(self) -> None:
        """Begin without routes."""
        self.routes = Router()  # type: ignore[no-untyped-call]  # powertools leaves it untyped

    def answer(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Return the answer to an event in the form that its door expects.

        Only load balancers say `requestContext.elb` (Elastic Load Balancing User Guide, "Use Lambda
        functions as targets").
        """
        behind_alb = "elb" in (event.get("requestContext") or {})
        with reporting_skipped():
            return (self._alb if behind_alb else self._rest).resolve(event, context)

    @cached_property
    def _alb(self) -> ApiGatewayResolver:
        return self._serve(
            ALBResolver(strip_prefixes=[SLASHES_AT_END], decode_query_parameters=True)
        )

    @cached_property
    def _rest(self) -> ApiGatewayResolver:
        return self._serve(APIGatewayRestResolver(strip_prefixes=[SLASHES_AT_END]))

    def _serve(self, resolver: ApiGatewayResolver) -> ApiGatewayResolver:
        resolver.include_router(self.routes)
        _answer_errors(resolver)
        return resolver


def reply(status_code: int, body: Mapping[str, object]) -> Response[object]:
    """Return an answer with a JSON body; characters outside ASCII are escaped."""
    return Response(status_code=status_code, content_type=JSON, body=body)


def query(event: BaseProxyEvent, name: str) -> str | None:
    """Return the decoded value of a query parameter, the last of several; `None` when absent."""
    values = event.resolved_query_string_parameters.get(name)
    return values[-1] if values else None


def _answer_errors(resolver: ApiGatewayResolver) -> None:
    resolver.exception_handler(RequestError)(_refuse)
    resolver.exception_handler(NotFoundError)(_not_found)
    resolver.exception_handler(MalformedItemError)(_unreadable)
    resolver.exception_handler([UnavailableError, BotoCoreError, ClientError])(_unavailable)
    resolver.exception_handler(Exception)(_fault)


def _refuse(error: RequestError) -> Response[object]:
    logger.info("refused", status_code=error.status_code, error=error.error, field=error.field)
    body = {"error": error.error} | ({"field": error.field} if error.field is not None else {})
    return reply(error.status_code, body)


def _not_found(_: NotFoundError) -> Response[object]:
    return reply(404, {"error": "not found"})


def _unreadable(error: MalformedItemError) -> Response[object]:
    """Answer for a job whose own record somebody has spoilt: nothing that a client can mend."""
    skipped.note(error)
    return reply(409, {"error": "the record of this job is damaged: submit it under another id"})


def _unavailable(error: Exception) -> Response[object]:
    logger.error("an AWS service did not do its part", exc_info=error)
    answer = reply(503, {"error": "temporarily unavailable: send the same request again"})
    answer.headers["Retry-After"] = "1"
    return answer


def _fault(error: Exception) -> Response[object]:
    logger.error("a fault in the function", exc_info=error)
    return reply(500, {"error": "internal error"})
