"""What other hands can change of the REST API, its stage and the role that may call it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from built import Application
from hypothesis import strategies as st
from mutation import Mutation, other, tag
from mutations_access import role_mutations
from mutations_storage import log_group_mutations
from web_acls import SECOND

API = "rest_api.api"
EVERYONE = {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "*"}


def _address(application: Application, path: str) -> dict[str, Any]:
    api_id = application.outputs(API).id
    resources = application.client("apigateway").get_resources(restApiId=api_id)["items"]
    return {
        "restApiId": api_id,
        "resourceId": next(each["id"] for each in resources if each["path"] == path),
    }


def _integrate(application: Application, address: Mapping[str, Any], function: str) -> None:
    arn = application.outputs(function).arn
    application.client("apigateway").put_integration(
        **address,
        type="AWS_PROXY",
        integrationHttpMethod="POST",
        uri=f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations",
    )


def _let_in(application: Application, _: Any, __: Any) -> None:
    address = {**_address(application, "/v1/tasks"), "httpMethod": "GET"}
    application.client("apigateway").delete_method(**address)
    application.client("apigateway").put_method(**address, authorizationType="NONE")
    _integrate(application, address, "function.api")


def _lead_elsewhere(application: Application, _: Any, value: str) -> None:
    address = {**_address(application, "/v1/new-task"), "httpMethod": "PUT"}
    _integrate(application, address, value)


def _add_method(application: Application, _: Any, __: Any) -> None:
    address = {**_address(application, "/v1/tasks"), "httpMethod": "POST"}
    application.client("apigateway").put_method(**address, authorizationType="NONE")
    _integrate(application, address, "function.api")


def _add_path(application: Application, api: Any, value: str) -> None:
    parent = _address(application, "/v1")["resourceId"]
    application.client("apigateway").create_resource(
        restApiId=api.id, parentId=parent, pathPart=value
    )


def _patch_api(path: str, value: str) -> Any:
    def change(application: Application, api: Any, _: Any) -> None:
        application.client("apigateway").update_rest_api(
            restApiId=api.id,
            patchOperations=[{"op": "replace", "path": path, "value": value}],
        )

    return change


def _answer(response_type: str) -> Any:
    def change(application: Application, api: Any, value: str) -> None:
        application.client("apigateway").put_gateway_response(
            restApiId=api.id,
            responseType=response_type,
            responseTemplates={"application/json": value},
        )

    return change


def _tag(kind: str) -> Any:
    def write(application: Application, outputs: Any, tags: Mapping[str, str]) -> None:
        stage = f"{outputs.rest_api_id}/stages/{outputs.id}" if kind == "stage" else outputs.id
        application.client("apigateway").tag_resource(
            resourceArn=f"arn:aws:apigateway:us-east-1::/restapis/{stage}", tags=tags
        )

    return write


def _api() -> Sequence[Mutation]:
    policy = json.dumps({"Statement": [EVERYONE]})
    edge = "/endpointConfiguration/types/REGIONAL"
    template = "gatewayResponses.DEFAULT_4XX.responseTemplates.application/json"
    answers = other("{}", '{"message": "no"}')
    return (
        Mutation(API, "policy.Statement", _patch_api("/policy", policy), st.none()),
        Mutation(API, "endpointConfiguration.types", _patch_api(edge, "EDGE"), st.none()),
        Mutation(
            API,
            "disableExecuteApiEndpoint",
            _patch_api("/disableExecuteApiEndpoint", "true"),
            st.none(),
        ),
        Mutation(API, "securityPolicy", _patch_api("/securityPolicy", "TLS_1_0"), st.none()),
        Mutation(API, "endpointAccessMode", _patch_api("/endpointAccessMode", "BASIC"), st.none()),
        Mutation(API, "methods.GET /v1/tasks.authorizationType", _let_in, st.none()),
        Mutation(
            API,
            "methods.PUT /v1/new-task.uri",
            _lead_elsewhere,
            other("function.api", "function.splitter"),
        ),
        Mutation(API, "methods.POST /v1/tasks", _add_method, st.none()),
        Mutation(API, "paths", _add_path, other("theirs", "{theirs}")),
        Mutation(API, template, _answer("DEFAULT_4XX"), answers),
        Mutation(API, "gatewayResponses.THROTTLED", _answer("THROTTLED"), answers),
        tag(API, _tag("rest_api")),
    )


def _stage() -> Sequence[Mutation]:
    def setting(path: str, patch: str, values: Any) -> Mutation:
        def change(application: Application, stage: Any, value: str) -> None:
            application.client("apigateway").update_stage(
                restApiId=stage.rest_api_id,
                stageName=stage.id,
                patchOperations=[{"op": "replace", "path": patch, "value": value}],
            )

        return Mutation("stage.api", path, change, values)

    def show_another(application: Application, stage: Any, _: Any) -> None:
        client = application.client("apigateway")
        deployment = client.create_deployment(restApiId=stage.rest_api_id, description="theirs")
        client.update_stage(
            restApiId=stage.rest_api_id,
            stageName=stage.id,
            patchOperations=[{"op": "replace", "path": "/deploymentId", "value": deployment["id"]}],
        )

    def stop(application: Application, stage: Any, _: Any) -> None:
        path = "/~1v1~1new-task/PUT/throttling/rateLimit"
        application.client("apigateway").update_stage(
            restApiId=stage.rest_api_id,
            stageName=stage.id,
            patchOperations=[{"op": "replace", "path": path, "value": "0"}],
        )

    limits = "methodSettings.*/*"
    return (
        Mutation("stage.api", "deploymentId", show_another, st.none()),
        setting("tracingEnabled", "/tracingEnabled", other("false")),
        setting(
            "accessLogSettings.format", "/accessLogSettings/format", other("$context.requestId")
        ),
        setting(f"{limits}.throttlingRateLimit", "/*/*/throttling/rateLimit", other("1", "9999")),
        setting(f"{limits}.throttlingBurstLimit", "/*/*/throttling/burstLimit", other("0", "1")),
        setting(f"{limits}.loggingLevel", "/*/*/logging/loglevel", other("OFF", "INFO")),
        setting(f"{limits}.dataTraceEnabled", "/*/*/logging/dataTrace", other("true")),
        Mutation("stage.api", "methodsApart", stop, st.none()),
        tag("stage.api", _tag("stage")),
    )


def _guard_with_another(application: Application, association: Any, value: str) -> None:
    application.client("wafv2").associate_web_acl(WebACLArn=value, ResourceArn=association.id)


REST_API: tuple[Mutation, ...] = (
    *_api(),
    *_stage(),
    *log_group_mutations("log_group.errors"),
    Mutation("web_acl_association.api", "WebACLArn", _guard_with_another, other(SECOND)),
    *role_mutations("role.api_execute", "account"),
)
