"""Settings that AWS keeps and shows, and moto forgets.

Sources: SQS API reference, SetQueueAttributes (RedriveAllowPolicy); DynamoDB API reference,
OnDemandThroughput; API Gateway API reference, RestApi (securityPolicy, endpointAccessMode); AWS WAF
API reference, AssociateWebACL (one web ACL for a resource).
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from moto.apigateway.models import RestAPI, Stage
from moto.apigateway.responses import APIGatewayResponse
from moto.awslambda.models import LambdaBackend
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler
from moto.sqs.models import Queue
from moto.wafv2.models import WAFV2Backend

TLS = ("securityPolicy", "endpointAccessMode")
QUEUE_ATTRIBUTES = Queue.attributes.fget  # type: ignore[attr-defined]
CREATE_TABLE, UPDATE_TABLE = DynamoHandler.create_table, DynamoHandler.update_table
DESCRIBE_TABLE = Table.describe
CREATE_REST_API = APIGatewayResponse.create_rest_api
PATCH_REST_API, REST_API_AS_DICT = RestAPI.apply_patch_operations, RestAPI.to_dict
PATCH_STAGE = Stage.apply_operations
PUT_CONCURRENCY = LambdaBackend.put_function_concurrency
ASSOCIATE = WAFV2Backend.associate_web_acl


def keep_settings(patch: pytest.MonkeyPatch) -> None:
    """Let moto keep them."""
    patch.setattr(Queue, "attributes", property(_queue_attributes))
    patch.setattr(DynamoHandler, "create_table", _create_table)
    patch.setattr(DynamoHandler, "update_table", _update_table)
    patch.setattr(Table, "describe", _describe_table)
    patch.setattr(APIGatewayResponse, "create_rest_api", _create_rest_api)
    patch.setattr(RestAPI, "apply_patch_operations", _patch_rest_api)
    patch.setattr(RestAPI, "to_dict", _rest_api_as_dict)
    patch.setattr(Stage, "apply_operations", _patch_stage)
    patch.setattr(LambdaBackend, "put_function_concurrency", _put_concurrency)
    patch.setattr(WAFV2Backend, "associate_web_acl", _associate)


def _queue_attributes(queue: Any) -> dict[str, Any]:
    """Show whose dead letters may come."""
    found: dict[str, Any] = QUEUE_ATTRIBUTES(queue)
    allowed = getattr(queue, "redrive_allow_policy", None)
    return {**found, "RedriveAllowPolicy": allowed} if allowed else found


def _create_table(handler: Any) -> Any:
    answer = CREATE_TABLE(handler)
    _keep_throughput(handler)
    return answer


def _update_table(handler: Any) -> Any:
    # moto knows no update of the limits alone.
    only_limits = set(handler.body) == {"TableName", "OnDemandThroughput"}
    _keep_throughput(handler)
    return handler.describe_table() if only_limits else UPDATE_TABLE(handler)


def _keep_throughput(handler: Any) -> None:
    wanted = handler.body.get("OnDemandThroughput")
    if wanted:
        table = handler.dynamodb_backend.get_table(handler.body["TableName"])
        kept = {**getattr(table, "on_demand_throughput", {}), **wanted}
        table.on_demand_throughput = {key: units for key, units in kept.items() if units != -1}


def _describe_table(table: Any, *arguments: Any, **keywords: Any) -> Any:
    found = DESCRIBE_TABLE(table, *arguments, **keywords)
    if limits := getattr(table, "on_demand_throughput", None):
        shown = found["Table" if "Table" in found else "TableDescription"]
        shown["OnDemandThroughput"] = limits
    return found


def _create_rest_api(response: Any) -> Any:
    status, headers, body = CREATE_REST_API(response)
    if status not in {200, 201}:
        return status, headers, body
    api = response.backend.get_rest_api(json.loads(body)["id"])
    api.tls = {key: value for key in TLS if (value := response._get_param(key))}
    return status, headers, json.dumps(api.to_dict())


def _patch_rest_api(api: Any, operations: list[dict[str, Any]]) -> None:
    tls = {each["path"][1:]: each["value"] for each in operations if each["path"][1:] in TLS}
    api.tls = {**getattr(api, "tls", {}), **tls}
    for each in operations:
        if each["path"] == "/disableExecuteApiEndpoint":
            # moto takes the text "false" for true.
            each["value"] = "" if each["value"] == "false" else "true"
    PATCH_REST_API(api, [each for each in operations if each["path"][1:] not in TLS])


def _rest_api_as_dict(api: Any) -> dict[str, Any]:
    return {**REST_API_AS_DICT(api), **getattr(api, "tls", {})}


def _patch_stage(stage: Any, operations: list[dict[str, Any]]) -> Any:
    """Remove the settings of single methods, which moto can't (UpdateStage, patch operations)."""
    for each in operations:
        if each["op"] == "remove":
            stage.method_settings.pop(each["path"][1:], None)
    return PATCH_STAGE(stage, [each for each in operations if each["op"] != "remove"])


class _Reserved(int):
    """A limit that moto shows also when it is 0, with which a function is switched off."""

    def __bool__(self) -> bool:
        return True


def _put_concurrency(backend: Any, function_name: str, reserved: Any) -> Any:
    kept: Any = _Reserved(reserved)
    return PUT_CONCURRENCY(backend, function_name, kept)


def _associate(backend: Any, web_acl_arn: str, resource_arn: str) -> None:
    """Let a web ACL take the place of another."""
    if web_acl_arn in backend.wacls:
        backend.disassociate_web_acl(resource_arn)
    ASSOCIATE(backend, web_acl_arn, resource_arn)
