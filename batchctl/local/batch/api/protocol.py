"""Batch's wire protocol (REST, JSON), read from botocore's own model of the service.

Paths, members and types come from that model and are written nowhere here, so that a client of the
same botocore and this service can't disagree.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import botocore.session
from botocore.model import OperationModel, StructureShape
from botocore.validate import ParamValidator

from batchctl.local.batch.api.errors import RefusedError

Query = Mapping[str, list[str]]


@dataclass(frozen=True)
class Request:
    """One call: the operation and its parameters, as boto3 spells them."""

    operation: str
    parameters: dict[str, Any]


@dataclass(frozen=True)
class _Route:
    operation: OperationModel
    method: str
    path: re.Pattern[str]


def read(method: str, path: str, query: Query, body: bytes) -> Request:
    """Return the call that an HTTP request is, unvalidated; RefusedError if it is none."""
    for route in _routes():
        match = route.path.fullmatch(path)
        if match and route.method == method:
            return Request(route.operation.name, _parameters(route.operation, match, query, body))
    raise RefusedError(f"Batch has no operation at {method} {path}")


def validate(request: Request) -> None:
    """Refuse a call that lacks required members or has unknown or mistyped ones."""
    shape = _operation(request.operation).input_shape
    if shape is None:
        return
    report = ParamValidator().validate(request.parameters, shape)
    if report.has_errors():
        raise RefusedError(f"Error executing request, Exception : {report.generate_report()}")


def _parameters(
    operation: OperationModel, match: re.Match[str], query: Query, body: bytes
) -> dict[str, Any]:
    shape = operation.input_shape
    if not isinstance(shape, StructureShape):
        return {}
    parameters = _json_object(body)
    for name, member in shape.members.items():
        location = member.serialization.get("location")
        wire_name = member.serialization.get("name", name)
        if location == "uri":
            parameters[name] = match[wire_name]
        elif location == "querystring" and wire_name in query:
            values = query[wire_name]
            parameters[name] = values if member.type_name == "list" else values[-1]
    return parameters


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body or b"{}")
    except ValueError as error:
        raise RefusedError(f"The request body is not valid JSON: {error}") from error
    if not isinstance(content, dict):
        raise RefusedError("The request body is not a JSON object")
    return {name: value for name, value in content.items() if value is not None}


@cache
def _routes() -> tuple[_Route, ...]:
    model = botocore.session.get_session().get_service_model("batch")
    operations = [model.operation_model(name) for name in model.operation_names]
    return tuple(
        _Route(operation, operation.http["method"], _pattern(operation.http["requestUri"]))
        for operation in operations
    )


@cache
def _operation(name: str) -> OperationModel:
    return next(route.operation for route in _routes() if route.operation.name == name)


def _pattern(uri: str) -> re.Pattern[str]:
    # An ARN in a path has slashes of its own, so a placeholder takes all that is left.
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>.+)", uri))
