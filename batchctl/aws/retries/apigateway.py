"""The temporary errors of API Gateway.

Sources: API Gateway developer guide, "Set up CloudWatch logging for REST APIs"; Terraform's
provider for concurrent modifications. Its limits ("Quotas for configuring and running a REST API":
one DeleteRestApi in 30 s, one CreateDeployment in 5 s) are throttling like any other: only the
thread of that call waits.
"""

from __future__ import annotations

from batchctl.aws.retries.rule import Rule

_API_WRITES = tuple(
    f"apigateway.{operation}"
    for operation in (
        "UpdateRestApi",
        "DeleteRestApi",
        "CreateResource",
        "DeleteResource",
        "PutMethod",
        "DeleteMethod",
        "PutIntegration",
        "PutGatewayResponse",
        "DeleteGatewayResponse",
        "CreateDeployment",
        "DeleteDeployment",
        "CreateStage",
        "UpdateStage",
        "DeleteStage",
        "TagResource",
        "UntagResource",
        "UpdateAccount",
    )
)

API_GATEWAY_RULES: tuple[Rule, ...] = (
    Rule(
        _API_WRITES,
        "ConflictException",
        "concurrent modification",
        300,
        "API Gateway to finish another change",
    ),
    Rule(
        ("apigateway.UpdateAccount",),
        "BadRequestException",
        "required permissions configured",
        120,
        "IAM to show the new role to API Gateway",
    ),
    # The same, said by another check of it.
    Rule(
        ("apigateway.UpdateAccount",),
        "BadRequestException",
        "could not successfully write to cloudwatch logs",
        120,
        "IAM to show the new role to API Gateway",
    ),
    Rule(
        ("apigateway.UpdateStage",),
        "BadRequestException",
        "role arn must be set in account settings",
        120,
        "API Gateway to see the role for its logs",
    ),
    Rule(
        ("apigateway.DeleteDeployment",),
        "BadRequestException",
        "active stages",
        60,
        "API Gateway to see that no stage uses the deployment",
    ),
)
