"""Examples of the API Gateway kinds."""

from __future__ import annotations

import dataclasses

from example import Example
from examples_awslambda import function
from examples_logs import log_group

from batchctl.engine.plan import Action
from batchctl.resources.apigateway.deployments import ApiDeployment
from batchctl.resources.apigateway.logging import ApiLogging, ErrorLogGroup
from batchctl.resources.apigateway.rest_apis import Method, RestApi
from batchctl.resources.apigateway.stages import Stage

methods = (
    Method("PUT", "/v1/new-task", function),
    Method("GET", "/v1/tasks", function),
    Method("GET", "/v1/tasks/{job_id}", function),
)
rest_api = RestApi(label="api", name="batchapp-api", methods=methods, signed=False)
signed_api = dataclasses.replace(
    rest_api,
    methods=(
        *methods[1:],
        Method("ANY", "/", function),
        Method("ANY", "/{proxy+}", function),
    ),
    signed=True,
)
deployment = ApiDeployment(label="api", name="batchapp-api", api=rest_api)
logging = ApiLogging(label="region", name="batchctl-api-gateway-logs")
error_log_group = ErrorLogGroup(
    label="errors", name="batchapp-api-errors", retention_days=7, api=rest_api, stage="api"
)
stage = Stage(
    label="api",
    name="api",
    api=rest_api,
    deployment=deployment,
    log_group=log_group,
    error_log_group=error_log_group,
    logging=logging,
    requests_per_second=500,
    burst_requests=1000,
    tracing=True,
)

EXAMPLES = [
    Example(rest_api, signed_api),
    Example(deployment, dataclasses.replace(deployment, api=signed_api), Action.REPLACE),
    Example(logging),
    Example(error_log_group, dataclasses.replace(error_log_group, retention_days=30)),
    Example(stage, dataclasses.replace(stage, requests_per_second=10, tracing=False)),
]
