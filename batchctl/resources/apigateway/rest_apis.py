"""API Gateway: a regional REST API whose methods lead to functions.

Its stage and deployments are in `apigateway_stages`, the reading and writing of its methods in
`apigateway_methods`, its own answers in `apigateway_responses`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from batchctl.aws.errors import ignore_missing
from batchctl.aws.session import Aws
from batchctl.resource import (
    Actual,
    Deployed,
    Document,
    Group,
    Outputs,
    Properties,
    Resource,
    is_owned,
    require_owned,
)
from batchctl.resource.grants import MADE_OURS, OURS, Grant
from batchctl.resources.apigateway import methods as apigateway_methods
from batchctl.resources.apigateway import responses as apigateway_responses
from batchctl.resources.awslambda.functions import Function
from batchctl.resources.iam import policies as iam_policies

if TYPE_CHECKING:
    from mypy_boto3_apigateway.type_defs import PaginatorConfigTypeDef

# TLS 1.3, and 1.2 with forward secrecy; callers must name the host that they call (API Gateway
# developer guide, "Supported security policies", "Endpoint access mode"). A regional API's default
# still speaks TLS 1.0.
TLS = {
    "securityPolicy": "SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09",
    "endpointAccessMode": "STRICT",
}
AUTHENTICATION_OFF = (
    "this turns authentication off: anyone who can reach the endpoint will be able to submit jobs"
)
# The most that one call answers (API Reference, GetRestApis).
PAGES: PaginatorConfigTypeDef = {"PageSize": 500}


# What belongs to an API has its tags here (API Gateway developer guide, "API Gateway resources that
# can be tagged": inherited for attribute-based access control).
# Read without that: one that is gone has no tags, and would be refused instead of missing.
API = ("/restapis/*",)


@dataclass(frozen=True)
class Method:
    """Requests with this HTTP method (or `ANY`) on this path go to a function."""

    http_method: str
    path: str
    function: Function

    @property
    def key(self) -> str:
        """The name in plans: `PUT /v1/new-task`."""
        return f"{self.http_method} {self.path}"


@dataclass(frozen=True)
class RestApiOutputs(Outputs):
    """The ARN is the one that policies name: `arn:aws:execute-api:REGION:ACCOUNT:ID`."""


@dataclass(frozen=True, kw_only=True)
class RestApi(Resource[RestApiOutputs]):
    """A regional REST API with its methods; a change of them waits for a deployment.

    With `signed` every method wants an IAM signature. Without a resource policy these are the
    account's own callers that may `execute-api:Invoke`, and nobody else (API Gateway developer
    guide, "API Gateway authorization flow"): a policy that other hands put there is removed.

    Unsigned or not, a path or method that isn't there is answered with 403 by API Gateway
    ("Gateway response types"). Without signatures that becomes a 404; with them it must stay, so
    routes of their own should take what is left.

    Names aren't unique, so it is found by name and tag. What a lost CreateRestApi left is deleted
    when the next one is made.
    """

    methods: tuple[Method, ...]
    signed: bool

    kind: ClassVar[str] = "rest_api"
    group: ClassVar[Group | None] = Group.FRONT_DOOR
    outputs: ClassVar[type[RestApiOutputs]] = RestApiOutputs
    identity: ClassVar[tuple[str, ...]] = ("name",)
    vital: ClassVar[tuple[str, ...]] = ("disableExecuteApiEndpoint",)
    grants: ClassVar[tuple[Grant, ...]] = (
        Grant("read up", "apigateway", "GET", ("/restapis",)),
        Grant("up", "apigateway", "POST", ("/restapis",), MADE_OURS),
        Grant("read up down", "apigateway", "GET", API),
        Grant("up", "apigateway", "PATCH POST PUT UpdateRestApiPolicy", API, OURS),
        Grant("up down", "apigateway", "DELETE", API, OURS),
        Grant("up", "apigateway", "PUT DELETE", ("/tags/*",)),
    )

    def desired(self, deployed: Deployed) -> Properties:
        """Return name, endpointConfiguration, policy and TLS, and what belongs to the API.

        `paths` are those of its resources, `methods` go by `PUT /path`, `gatewayResponses` by type.
        """
        return {
            "name": self.physical_name,
            "endpointConfiguration": {"types": ["REGIONAL"]},
            "policy": Document(),
            "disableExecuteApiEndpoint": False,
            **(TLS if deployed.aws.partition.has_api_tls_policies else {}),
            "paths": apigateway_methods.paths_to([method.path for method in self.methods]),
            "methods": Document(
                {method.key: self._method(method, deployed) for method in self.methods}
            ),
            "gatewayResponses": Document(apigateway_responses.wanted(signed=self.signed)),
        }

    def _method(self, method: Method, deployed: Deployed) -> dict[str, Any]:
        """Return a method with its integration; a function is always invoked by POST."""
        aws = deployed.aws
        function = deployed[method.function].arn
        return {
            "authorizationType": "AWS_IAM" if self.signed else "NONE",
            "apiKeyRequired": False,
            "type": "AWS_PROXY",
            "httpMethod": "POST",
            "uri": f"arn:{aws.partition.id}:apigateway:{aws.region}:lambda:path/2015-03-31"
            f"/functions/{function}/invocations",
        }

    @classmethod
    def read(
        cls, aws: Aws, recorded: RestApiOutputs | None, desired: Properties
    ) -> Actual[RestApiOutputs] | None:
        """Find the API by its id, else by name and tag; None when there is none."""
        with ignore_missing():
            found = _found(aws, recorded, str(desired["name"]))
            if found is None:
                return None
            tags = found.get("tags", {})
            require_owned(aws, f"REST API `{found['id']}`", tags)
            tree = apigateway_methods.read(aws, found["id"])
            return Actual(
                _outputs(aws, found["id"]),
                {
                    "name": found["name"],
                    "endpointConfiguration": found.get("endpointConfiguration", {}),
                    "policy": Document(_policy(found.get("policy"))),
                    "disableExecuteApiEndpoint": found.get("disableExecuteApiEndpoint", False),
                    **{key: found.get(key) for key in TLS},
                    "paths": sorted(tree.ids),
                    "methods": Document(tree.methods),
                    "gatewayResponses": Document(apigateway_responses.read(aws, found["id"])),
                },
                tags,
            )
        return None

    def create(self, aws: Aws, desired: Properties) -> RestApiOutputs:
        """Make the API, then its methods; `read` and `update` finish what was cut off."""
        answer = aws.apigateway.create_rest_api(
            name=desired["name"],
            endpointConfiguration=desired["endpointConfiguration"],
            tags=aws.tags,
            **_tls(desired),
        )
        outputs = _outputs(aws, answer["id"])
        if any(answer.get(key) != value for key, value in _tls(desired).items()):
            # The local cloud takes it by an update alone.
            patch = _patch(_tls(desired), {})
            aws.apigateway.update_rest_api(restApiId=outputs.id, patchOperations=patch)
        for other in _tagged(aws, desired["name"]):
            if other["id"] != outputs.id:
                self.delete(aws, _outputs(aws, other["id"]))
        apigateway_responses.write(aws, outputs.id, desired["gatewayResponses"], {})
        apigateway_methods.write(aws, outputs.id, desired)
        return outputs

    def update(
        self,
        aws: Aws,
        actual: Actual[RestApiOutputs],
        desired: Properties,
        changed: Properties,
    ) -> RestApiOutputs:
        """Change what differs: callers see it with the next deployment."""
        api_id, has = actual.outputs.id, actual.properties
        patch = _patch(changed, has)
        if patch:
            aws.apigateway.update_rest_api(restApiId=api_id, patchOperations=patch)
        if "gatewayResponses" in changed:
            wanted = changed["gatewayResponses"]
            apigateway_responses.write(aws, api_id, wanted, has["gatewayResponses"])
        if "methods" in changed or "paths" in changed:
            apigateway_methods.write(aws, api_id, desired)
        return actual.outputs

    def loosened(self, actual: Properties, desired: Properties) -> Iterator[str]:
        """Say that requests without a signature are let in, and that a policy of others goes."""
        if not self.signed and is_signed(actual):
            yield AUTHENTICATION_OFF
        if actual["policy"] and not desired["policy"]:
            yield "the REST API's resource policy, which might refuse callers, is removed"
        if "PRIVATE" in actual["endpointConfiguration"].get("types", ()):
            yield "the REST API, which today is reached from VPCs alone, faces the internet"
        if actual["disableExecuteApiEndpoint"] and not desired["disableExecuteApiEndpoint"]:
            yield "the REST API's own address, which is turned off today, answers"

    def write_tags(
        self, aws: Aws, outputs: RestApiOutputs, tags: Mapping[str, str], removed: Sequence[str]
    ) -> None:
        """Set and remove tags."""
        set_tags(aws, f"/restapis/{outputs.id}", tags, removed)

    @classmethod
    def tags_of(cls, aws: Aws, recorded: RestApiOutputs) -> Mapping[str, str] | None:
        """Return the tags that it has now; None when it is gone."""
        return tags_of_api(aws, recorded.id)

    @classmethod
    def delete(cls, aws: Aws, recorded: RestApiOutputs) -> None:
        """Delete the API with all that belongs to it: one in 30 s at most ("Quotas")."""
        with ignore_missing():
            aws.apigateway.delete_rest_api(restApiId=recorded.id)


def is_signed(actual: Properties) -> bool:
    """Whether an API lets in signed requests alone, as far as its methods say."""
    return "AWS_IAM" in [each.get("authorizationType") for each in actual["methods"].values()]


def tags_of_api(aws: Aws, api_id: str) -> Mapping[str, str] | None:
    """Return the tags of an API, whoever's it is; None when it is gone."""
    with ignore_missing():
        return aws.apigateway.get_rest_api(restApiId=api_id).get("tags", {})
    return None


def set_tags(aws: Aws, path: str, tags: Mapping[str, str], removed: Sequence[str]) -> None:
    """Set and remove tags of an API or a stage, known by its path (`/restapis/ID`)."""
    # An ARN without an account (API Gateway developer guide, "Amazon resource name reference").
    arn = f"arn:{aws.partition.id}:apigateway:{aws.region}::{path}"
    aws.apigateway.tag_resource(resourceArn=arn, tags=tags)
    if removed:
        aws.apigateway.untag_resource(resourceArn=arn, tagKeys=removed)


def _outputs(aws: Aws, api_id: str) -> RestApiOutputs:
    return RestApiOutputs(id=api_id, arn=aws.arn("execute-api", api_id))


def _found(aws: Aws, recorded: RestApiOutputs | None, name: str) -> Mapping[str, Any] | None:
    if recorded:
        return aws.apigateway.get_rest_api(restApiId=recorded.id)
    return next(iter(_tagged(aws, name)), None)


def _tagged(aws: Aws, name: str) -> list[Mapping[str, Any]]:
    """Return the APIs of this name that carry the stack's tag, the oldest first."""
    pages = aws.apigateway.get_paginator("get_rest_apis").paginate(PaginationConfig=PAGES)
    found = [
        api
        for page in pages
        for api in page.get("items", [])
        if api["name"] == name and is_owned(aws, api.get("tags", {}))
    ]
    return sorted(found, key=lambda api: (str(api.get("createdDate")), api["id"]))


def _policy(text: str | None) -> Mapping[str, Any]:
    """Return a resource policy, which API Gateway gives as JSON with its quotes escaped."""
    if not text:
        return {}
    parsed = json.loads(text if text.startswith('{"') else json.loads(f'"{text}"'))
    return iam_policies.canonical(parsed)


def _tls(properties: Properties) -> Any:
    return {key: properties[key] for key in TLS if key in properties}


def _patch(changed: Properties, has: Properties) -> Any:
    """Return the operations of UpdateRestApi for the changes of the API itself."""
    operations = []
    if "policy" in changed:
        text = json.dumps(changed["policy"]) if changed["policy"] else ""
        operations.append({"op": "replace", "path": "/policy", "value": text})
    if "disableExecuteApiEndpoint" in changed:
        path = "/disableExecuteApiEndpoint"
        operations.append({"op": "replace", "path": path, "value": "false"})
    if "endpointConfiguration" in changed:
        old = has["endpointConfiguration"].get("types", ["EDGE"])[0]
        path = f"/endpointConfiguration/types/{old}"
        operations.append({"op": "replace", "path": path, "value": "REGIONAL"})
    for key, value in _tls(changed).items():
        operations.append({"op": "replace", "path": f"/{key}", "value": value})
    return operations
