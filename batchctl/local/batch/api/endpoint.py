"""Batch's HTTP endpoint: a request in, an answer out, with the permission checks on the way."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from batchctl.local.batch.api import protocol
from batchctl.local.batch.api.errors import RefusedError
from batchctl.local.batch.api.protocol import Query, Request
from batchctl.local.batch.api.service import Batch

Answer = tuple[int, dict[str, str], bytes]

Authorise = Callable[[str, str], Answer | None]
"""Asked with an action (`batch:SubmitJob`) and a resource ARN: None when the caller may, else the
refusal."""


class Endpoint:
    """Serves a `Batch` in its wire protocol."""

    def __init__(self, batch: Batch) -> None:
        """Serve `batch`."""
        self._batch = batch

    def chief_resource(self, method: str, path: str, query: Query, body: bytes) -> str:
        """Return the first ARN that a request is authorised on, `*` when it has none."""
        try:
            request = protocol.read(method, path, query, body)
        except RefusedError:
            return "*"
        return self._batch.authorised_on(request)[0][0]

    def tags_of(self, arn: str) -> dict[str, str] | None:
        """Return the tags of the resource of Batch with this ARN, None when there is none."""
        return self._batch.tags_of(arn)

    def answer(
        self, method: str, path: str, query: Query, body: bytes, authorise: Authorise
    ) -> Answer:
        """Serve a request whose caller was authorised on its chief resource."""
        try:
            request = protocol.read(method, path, query, body)
            protocol.validate(request)
            refusal = self._refusal(request, authorise)
            return refusal or _json(200, self._batch.call(request))
        except RefusedError as error:
            return _error(error)

    def _refusal(self, request: Request, authorise: Authorise) -> Answer | None:
        for alternatives in self._batch.authorised_on(request)[1:]:
            refusals = [authorise(f"batch:{request.operation}", arn) for arn in alternatives]
            if all(refusals):
                return refusals[0]
        tagged = self._batch.tags_at_creation(request)
        return None if tagged is None else authorise("batch:TagResource", tagged)


def _error(error: RefusedError) -> Answer:
    status, headers, body = _json(error.status, {"__type": error.code, "message": error.message})
    return status, headers | {"x-amzn-errortype": error.code}, body


def _json(status: int, content: dict[str, Any]) -> Answer:
    return status, {"Content-Type": "application/json"}, json.dumps(content).encode()
