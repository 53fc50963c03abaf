"""API Gateway: deployments, which are snapshots of an API.

Methods, authorization and gateway responses take effect with the deployment that a stage points to
(API Gateway developer guide, "Deploy REST APIs in API Gateway").
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from batchctl.aws.errors import ignore_missing
from batchctl.aws.session import Aws
from batchctl.resource import Actual, Deployed, Group, Outputs, Properties, Resource, is_unknown
from batchctl.resource.grants import OURS, Grant
from batchctl.resources.apigateway.rest_apis import API, RestApi, tags_of_api

if TYPE_CHECKING:
    from mypy_boto3_apigateway.type_defs import PaginatorConfigTypeDef

# The most that one call answers (API Reference, GetDeployments).
PAGES: PaginatorConfigTypeDef = {"PageSize": 500}


@dataclass(frozen=True)
class DeploymentOutputs(Outputs):
    """A deployment is known within its API; it has no ARN that anything needs."""

    rest_api_id: str


@dataclass(frozen=True, kw_only=True)
class ApiDeployment(Resource[DeploymentOutputs]):
    """A snapshot of an API, known by the hash of what the API should be.

    What the API should be changes: so does the hash, and a successor is made. `after` is what
    has to be there before callers see it: permissions, and roles that may call.
    """

    api: RestApi
    after: tuple[Resource[Any], ...] = ()

    kind: ClassVar[str] = "api_deployment"
    group: ClassVar[Group | None] = Group.FRONT_DOOR
    outputs: ClassVar[type[DeploymentOutputs]] = DeploymentOutputs
    identity: ClassVar[tuple[str, ...]] = ("restApiId", "description")
    taggable: ClassVar[bool] = False
    grants: ClassVar[tuple[Grant, ...]] = (
        Grant("read up down", "apigateway", "GET", API),
        Grant("up", "apigateway", "POST", API, OURS),
        Grant("up down", "apigateway", "DELETE", API, OURS),
    )

    def desired(self, deployed: Deployed) -> Properties:
        """Return restApiId, and the description with the hash."""
        content = json.dumps(self.api.desired(deployed), sort_keys=True, ensure_ascii=False)
        known = not is_unknown(content)
        digest = hashlib.sha256(content.encode()).hexdigest() if known else deployed[self.api].id
        return {"restApiId": deployed[self.api].id, "description": f"batchctl {digest}"}

    @classmethod
    def read(
        cls, aws: Aws, recorded: DeploymentOutputs | None, desired: Properties
    ) -> Actual[DeploymentOutputs] | None:
        """Find the deployment by its id, else the newest with the hash; None when there is none."""
        api_id = recorded.rest_api_id if recorded else str(desired["restApiId"])
        with ignore_missing():
            found = _deployment(aws, api_id, recorded, desired)
            if found is not None:
                properties = {"restApiId": api_id, "description": found.get("description")}
                return Actual(_deployment_outputs(api_id, found), properties)
        return None

    def create(self, aws: Aws, desired: Properties) -> DeploymentOutputs:
        """Take the snapshot; no stage shows it yet."""
        answer = aws.apigateway.create_deployment(**desired)
        return _deployment_outputs(desired["restApiId"], answer)

    def update(
        self,
        aws: Aws,
        actual: Actual[DeploymentOutputs],
        desired: Properties,
        changed: Properties,
    ) -> DeploymentOutputs:
        """Return it as it is: whatever changes makes another deployment."""
        del aws, desired, changed
        return actual.outputs

    @classmethod
    def tags_of(cls, aws: Aws, recorded: DeploymentOutputs) -> Mapping[str, str] | None:
        """Return the tags of its API; None when that is gone."""
        return tags_of_api(aws, recorded.rest_api_id)

    @classmethod
    def delete(cls, aws: Aws, recorded: DeploymentOutputs) -> None:
        """Delete the deployment, to which no stage points any more."""
        with ignore_missing():
            aws.apigateway.delete_deployment(
                restApiId=recorded.rest_api_id, deploymentId=recorded.id
            )


def _deployment(
    aws: Aws, api_id: str, recorded: DeploymentOutputs | None, desired: Properties
) -> Mapping[str, Any] | None:
    pages = aws.apigateway.get_paginator("get_deployments").paginate(
        restApiId=api_id, PaginationConfig=PAGES
    )
    found = [
        each
        for page in pages
        for each in page.get("items", [])
        if (
            each["id"] == recorded.id
            if recorded
            else each.get("description") == desired.get("description")
        )
    ]
    return max(found, key=lambda each: str(each.get("createdDate")), default=None)


def _deployment_outputs(api_id: str, found: Mapping[str, Any]) -> DeploymentOutputs:
    return DeploymentOutputs(id=str(found["id"]), arn="", rest_api_id=api_id)
