"""API Gateway: the stage, which shows a deployment of an API to callers."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlsplit

from batchctl.aws.errors import ignore_missing
from batchctl.aws.session import Aws
from batchctl.resource import Actual, Deployed, Group, Outputs, Properties, Resource, require_owned
from batchctl.resource.grants import OURS, Grant
from batchctl.resources.apigateway.deployments import ApiDeployment
from batchctl.resources.apigateway.logging import ApiLogging, ErrorLogGroup
from batchctl.resources.apigateway.rest_apis import API, RestApi, set_tags
from batchctl.resources.logs import LogGroup

EVERY_METHOD = "*/*"
# Where UpdateStage takes them ("Patch operations", API Gateway API reference).
METHOD_SETTINGS = {
    "throttlingRateLimit": "throttling/rateLimit",
    "throttlingBurstLimit": "throttling/burstLimit",
    "loggingLevel": "logging/loglevel",
    "dataTraceEnabled": "logging/dataTrace",
}
# One JSON object a request (API Gateway developer guide, "Variables for access logging"). Values
# are put in as they are, and `$util.escapeJavaScript` is for mapping templates alone. So there is
# nothing here into which a caller can put a quote: not `$context.path`, which is what they called,
# but the resource that it matched; not the error's message, which repeats their Authorization
# header, but its type. A method is a token (RFC 9110), which has no quotes. They may choose the
# `requestId`, a UUID ("Set up access logging"), but not the extended one.
LOG_FORMAT = json.dumps(
    {
        "requestId": "$context.requestId",
        "extendedRequestId": "$context.extendedRequestId",
        "time": "$context.requestTime",
        "ip": "$context.identity.sourceIp",
        "caller": "$context.identity.userArn",
        "method": "$context.httpMethod",
        "resource": "$context.resourcePath",
        "status": "$context.status",
        "bytes": "$context.responseLength",
        "milliseconds": "$context.responseLatency",
        "tls": "$context.tlsVersion",
        "error": "$context.error.responseType",
    }
)


@dataclass(frozen=True)
class StageOutputs(Outputs):
    """The id is the stage's name; `invoke_url` is the API's address, without a slash at its end."""

    rest_api_id: str
    invoke_url: str


@dataclass(frozen=True, kw_only=True)
class Stage(Resource[StageOutputs]):
    """The part of an API's address by which callers reach a deployment, with limits and a log.

    Its limits are for all callers in total; above them API Gateway answers 429. Why a request
    failed in API Gateway itself is logged, its content never.
    """

    api: RestApi
    deployment: ApiDeployment
    log_group: LogGroup
    error_log_group: ErrorLogGroup
    logging: ApiLogging
    requests_per_second: int
    burst_requests: int
    tracing: bool

    kind: ClassVar[str] = "stage"
    group: ClassVar[Group | None] = Group.FRONT_DOOR
    entry_point: ClassVar[bool] = True
    # API Gateway pricing: a REST API without a cache has no charge by the hour.
    cost: ClassVar[str] = "is billed by the requests that it answers"
    outputs: ClassVar[type[StageOutputs]] = StageOutputs
    identity: ClassVar[tuple[str, ...]] = ("restApiId", "stageName")
    vital: ClassVar[tuple[str, ...]] = ("deploymentId", "methodsApart")
    grants: ClassVar[tuple[Grant, ...]] = (
        Grant("read up down", "apigateway", "GET", API),
        Grant("up", "apigateway", "PATCH POST", API, OURS),
        Grant("up down", "apigateway", "DELETE", API, OURS),
    )

    def desired(self, deployed: Deployed) -> Properties:
        """Return the parameters of CreateStage, and the settings that UpdateStage takes."""
        return {
            "restApiId": deployed[self.api].id,
            "stageName": self.physical_name,
            "deploymentId": deployed[self.deployment].id,
            # In aws-cn there is no X-Ray for functions, and nothing to trace but them.
            "tracingEnabled": self.tracing and deployed.aws.partition.has_lambda_tracing,
            "accessLogSettings": {
                "destinationArn": deployed[self.log_group].arn,
                "format": LOG_FORMAT,
            },
            "methodSettings": {
                EVERY_METHOD: {
                    "throttlingRateLimit": float(self.requests_per_second),
                    "throttlingBurstLimit": self.burst_requests,
                    "loggingLevel": "ERROR",
                    "dataTraceEnabled": False,
                }
            },
            # What would go around these settings, for single methods or a part of the requests.
            "methodsApart": [],
            "canary": False,
        }

    @classmethod
    def read(
        cls, aws: Aws, recorded: StageOutputs | None, desired: Properties
    ) -> Actual[StageOutputs] | None:
        """Find the stage in its API by name; None when there is none."""
        api_id = recorded.rest_api_id if recorded else str(desired["restApiId"])
        name = recorded.id if recorded else str(desired["stageName"])
        with ignore_missing():
            found = aws.apigateway.get_stage(restApiId=api_id, stageName=name)
            tags = found.get("tags", {})
            require_owned(aws, f"stage `{name}` of REST API `{api_id}`", tags)
            properties = {
                **found,
                "restApiId": api_id,
                "tracingEnabled": found.get("tracingEnabled", False),
                "accessLogSettings": found.get("accessLogSettings", {}),
                "methodSettings": found.get("methodSettings", {}),
                "methodsApart": sorted(found.get("methodSettings", {}).keys() - {EVERY_METHOD}),
                "canary": bool(found.get("canarySettings")),
            }
            return Actual(_stage_outputs(aws, api_id, name), properties, tags)
        return None

    def create(self, aws: Aws, desired: Properties) -> StageOutputs:
        """Make the stage, then set what CreateStage doesn't take."""
        given = ("restApiId", "stageName", "deploymentId", "tracingEnabled")
        aws.apigateway.create_stage(**{key: desired[key] for key in given}, tags=aws.tags)
        api_id, name = str(desired["restApiId"]), str(desired["stageName"])
        left = {key: value for key, value in desired.items() if key not in given}
        aws.apigateway.update_stage(restApiId=api_id, stageName=name, patchOperations=_patch(left))
        return _stage_outputs(aws, api_id, name)

    def update(
        self,
        aws: Aws,
        actual: Actual[StageOutputs],
        desired: Properties,
        changed: Properties,
    ) -> StageOutputs:
        """Change what differs, all in one call: callers see the old or the new."""
        del desired
        outputs = actual.outputs
        aws.apigateway.update_stage(
            restApiId=outputs.rest_api_id,
            stageName=outputs.id,
            patchOperations=[*_removals(actual.properties, changed), *_patch(changed)],
        )
        return outputs

    def write_tags(
        self, aws: Aws, outputs: StageOutputs, tags: Mapping[str, str], removed: Sequence[str]
    ) -> None:
        """Set and remove tags."""
        set_tags(aws, f"/restapis/{outputs.rest_api_id}/stages/{outputs.id}", tags, removed)

    def loosened(self, actual: Properties, desired: Properties) -> Iterator[str]:
        """Say that more requests are let through than today."""
        had = actual["methodSettings"].get(EVERY_METHOD, {})
        wanted = desired["methodSettings"][EVERY_METHOD]
        for key, what in (
            ("throttlingRateLimit", "requests a second"),
            ("throttlingBurstLimit", "requests at once"),
        ):
            if had.get(key, math.inf) < wanted[key]:
                yield f"API Gateway lets {wanted[key]:.0f} {what} through instead of {had[key]:.0f}"
        log, ours = (each["accessLogSettings"].get("destinationArn") for each in (actual, desired))
        if log and log != ours:
            yield f"API Gateway's access log no longer goes to `{log}`"

    @classmethod
    def tags_of(cls, aws: Aws, recorded: StageOutputs) -> Mapping[str, str] | None:
        """Return the tags that it has now; None when it is gone."""
        return tags_of_stage(aws, recorded.rest_api_id, recorded.id)

    @classmethod
    def delete(cls, aws: Aws, recorded: StageOutputs) -> None:
        """Delete the stage: from then on nobody reaches the API."""
        with ignore_missing():
            aws.apigateway.delete_stage(restApiId=recorded.rest_api_id, stageName=recorded.id)


def tags_of_stage(aws: Aws, api_id: str, name: str) -> Mapping[str, str] | None:
    """Return the tags of a stage, whoever's it is; None when it is gone."""
    with ignore_missing():
        return aws.apigateway.get_stage(restApiId=api_id, stageName=name).get("tags", {})
    return None


def _removals(has: Properties, changed: Properties) -> Any:
    """Return the operations that remove what others set apart from the rest of the stage."""
    paths = [f"/{method}" for method in has["methodsApart"]] if "methodsApart" in changed else []
    if "canary" in changed:
        paths.append("/canarySettings")
    return [{"op": "remove", "path": path} for path in paths]


def _patch(changed: Properties) -> Any:
    """Return the operations of UpdateStage, whose values are all texts."""
    values: dict[str, str] = {}
    if "deploymentId" in changed:
        values["/deploymentId"] = changed["deploymentId"]
    if "tracingEnabled" in changed:
        values["/tracingEnabled"] = str(changed["tracingEnabled"]).lower()
    for key, value in changed.get("accessLogSettings", {}).items():
        values[f"/accessLogSettings/{key}"] = value
    for key, value in changed.get("methodSettings", {}).get(EVERY_METHOD, {}).items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        values[f"/{EVERY_METHOD}/{METHOD_SETTINGS[key]}"] = text
    return [{"op": "replace", "path": path, "value": value} for path, value in values.items()]


def _stage_outputs(aws: Aws, api_id: str, name: str) -> StageOutputs:
    return StageOutputs(
        id=name,
        arn=aws.arn("execute-api", f"{api_id}/{name}"),
        rest_api_id=api_id,
        invoke_url=f"{_address(aws, api_id)}/{name}",
    )


def _address(aws: Aws, api_id: str) -> str:
    """Return the API's address; an emulator has no host names of its own and takes a path."""
    # Also one that AWS_ENDPOINT_URL leads to.
    endpoint_url = str(aws.apigateway.meta.endpoint_url)
    suffix = aws.partition.dns_suffix
    if not str(urlsplit(endpoint_url).hostname).endswith(f".{suffix}"):
        return f"{endpoint_url.rstrip('/')}/_aws/execute-api/{api_id}"
    return f"https://{api_id}.execute-api.{aws.region}.{suffix}"
