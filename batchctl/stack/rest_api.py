"""The front door `restapi`: API Gateway with the same paths as the load balancer."""

from __future__ import annotations

from typing import Any

from batchctl.config import Config
from batchctl.resource import Resource
from batchctl.resources.apigateway.deployments import ApiDeployment
from batchctl.resources.apigateway.logging import ApiLogging, ErrorLogGroup
from batchctl.resources.apigateway.methods import paths_to
from batchctl.resources.apigateway.rest_apis import Method, RestApi
from batchctl.resources.apigateway.stages import Stage
from batchctl.resources.awslambda.functions import Function
from batchctl.resources.awslambda.triggers import Permission
from batchctl.resources.iam.roles import ACCOUNT, Allow, Role
from batchctl.resources.logs import LogGroup
from batchctl.stack.functions import Functions
from batchctl.stack.web_acl import web_acl

STAGE_NAME = "api"


def build_rest_api(config: Config, functions: Functions) -> tuple[Resource[Any], ...]:
    """Return the stage of the REST API, or its web ACL, which lead to all of it."""
    api = _api(config, functions)
    # Whoever may call is let in before the lock is changed.
    after: tuple[Resource[Any], ...] = (
        _permission(functions.receiver, api, "/*/PUT/v1/new-task"),
        _permission(functions.api, api, "/*"),
        *((_execute_role(config, api),) if config.api.auth == "iam" else ()),
    )
    stage = Stage(
        label="api",
        name=STAGE_NAME,
        api=api,
        deployment=ApiDeployment(label="api", name=f"{config.name}-api", api=api, after=after),
        log_group=LogGroup(
            label="access",
            name=f"/batchctl/{config.name}/access",
            retention_days=config.api.log_retention_days,
        ),
        error_log_group=ErrorLogGroup(
            label="errors",
            name=f"{config.name}-api-errors",
            retention_days=config.api.log_retention_days,
            api=api,
            stage=STAGE_NAME,
        ),
        logging=ApiLogging(
            label="region",
            name="batchctl-api-gateway-logs",
            permissions_boundary=config.iam.permissions_boundary,
            path=config.iam.path,
        ),
        requests_per_second=config.api.requests_per_second,
        burst_requests=config.api.burst_requests,
        tracing=config.functions.tracing,
    )
    return tuple(filter(None, (stage, web_acl(config, stage))))


def _api(config: Config, functions: Functions) -> RestApi:
    """Return the API; with IAM the other methods and the rest of the paths are routed, too.

    API Gateway itself can't distinguish a signed request for an unknown path from an unsigned one:
    JobAPI answers the former with 404. Each path has a method for the others, as AWS doesn't say
    that these would fall through to `{proxy+}`.
    """
    methods = (
        Method("PUT", "/v1/new-task", functions.receiver),
        Method("GET", "/v1/tasks", functions.api),
        Method("GET", "/v1/tasks/{job_id}", functions.api),
    )
    paths = (*paths_to([method.path for method in methods]), "/{proxy+}")
    rest = tuple(Method("ANY", path, functions.api) for path in paths)
    signed = config.api.auth == "iam"
    return RestApi(
        label="api",
        name=f"{config.name}-api",
        methods=(*methods, *rest) if signed else methods,
        signed=signed,
    )


def _permission(function: Function, api: RestApi, requests: str) -> Permission:
    """Let the API invoke a function for `requests` (`/STAGE/METHOD/path`)."""
    return Permission(
        label=f"rest_{function.label}",
        name=function.name,
        function=function,
        principal_service="apigateway",
        source=api,
        source_suffix=requests,
    )


def _execute_role(config: Config, api: RestApi) -> Role:
    """Return the role that the account's principals may assume to call this API, and no more."""
    return Role(
        label="api_execute",
        name=f"{config.name}-API-Execute-Role",
        permissions_boundary=config.iam.permissions_boundary,
        path=config.iam.path,
        trusts=ACCOUNT,
        allows=(
            Allow(
                sid="CallTheApi",
                actions=("execute-api:Invoke",),
                on=(api,),
                suffix=f"/{STAGE_NAME}/*",
            ),
        ),
    )
