"""What API Gateway itself answers: its errors, in the form that the functions' errors have.

A type without an answer of its own takes that of DEFAULT_4XX or DEFAULT_5XX and keeps its status
(API Gateway developer guide, "Gateway response types").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchctl.aws.errors import ignore_missing
from batchctl.aws.session import Aws

# The most that one call answers (API Reference, GetGatewayResponses).
LIMIT = 500
ERROR_TEMPLATE = '{"error":$context.error.messageString}'
NOT_FOUND_TEMPLATE = '{"error":"not found"}'


def wanted(*, signed: bool) -> dict[str, Any]:
    """Return the gateway responses of an API, by type; `signed`: it wants IAM signatures."""
    error = {"responseTemplates": {"application/json": ERROR_TEMPLATE}}
    responses: dict[str, Any] = {"DEFAULT_4XX": error, "DEFAULT_5XX": error}
    if not signed:
        responses["MISSING_AUTHENTICATION_TOKEN"] = {
            "statusCode": "404",
            "responseTemplates": {"application/json": NOT_FOUND_TEMPLATE},
        }
    return responses


def read(aws: Aws, api_id: str) -> dict[str, Any]:
    """Return the gateway responses that somebody customized, by type."""
    answer = aws.apigateway.get_gateway_responses(restApiId=api_id, limit=LIMIT)
    items: list[Any] = answer.get("items", [])
    owned = ("statusCode", "responseTemplates", "responseParameters")
    return {
        each["responseType"]: {key: each[key] for key in owned if each.get(key)}
        for each in items
        if not each.get("defaultResponse")
    }


def write(aws: Aws, api_id: str, desired: Mapping[str, Any], had: Mapping[str, Any]) -> None:
    """Put the `desired` gateway responses that differ, reset the others that the API `had`."""
    for response_type, response in desired.items():
        if response != had.get(response_type):
            _put_gateway_response(aws, api_id, response_type, response)
    for response_type in had.keys() - desired.keys():
        _delete_gateway_response(aws, api_id, response_type)


def _put_gateway_response(aws: Aws, api_id: str, response_type: Any, response: Any) -> None:
    aws.apigateway.put_gateway_response(restApiId=api_id, responseType=response_type, **response)


def _delete_gateway_response(aws: Aws, api_id: str, response_type: Any) -> None:
    with ignore_missing():
        aws.apigateway.delete_gateway_response(restApiId=api_id, responseType=response_type)
