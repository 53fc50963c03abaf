"""What AWS's API Gateway does and moto's doesn't: what it refuses, and tags of an API.

Sources: API Gateway API Reference (PutMethod and CreateResource: ConflictException; DeleteRestApi
and DeleteDeployment: NotFoundException; TagResource takes APIs and stages), and the error texts as
Terraform's provider knows them.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest
from moto.apigateway.exceptions import (
    BadRequestException,
    ConflictException,
    DeploymentNotFoundException,
    RestAPINotFound,
)
from moto.apigateway.models import APIGatewayBackend
from moto.apigateway.responses import APIGatewayResponse

PUT_METHOD = APIGatewayBackend.put_method
CREATE_RESOURCE = APIGatewayBackend.create_resource
TAG, UNTAG = APIGatewayResponse.tag_resource, APIGatewayResponse.untag_resource


def refuse_as_aws(patch: pytest.MonkeyPatch) -> None:
    """Let moto refuse what AWS refuses, and take tags of an API."""
    patch.setattr(APIGatewayBackend, "put_method", _put_method)
    patch.setattr(APIGatewayBackend, "create_resource", _create_resource)
    patch.setattr(APIGatewayBackend, "delete_resource", _delete_resource)
    patch.setattr(APIGatewayBackend, "delete_rest_api", _delete_rest_api)
    patch.setattr(APIGatewayBackend, "delete_deployment", _delete_deployment)
    patch.setattr(APIGatewayResponse, "tag_resource", _tag)
    patch.setattr(APIGatewayResponse, "untag_resource", _untag)


def _put_method(
    backend: Any, function_id: str, resource_id: str, method_type: str, *more: Any, **keywords: Any
) -> Any:
    if method_type in backend.get_resource(function_id, resource_id).resource_methods:
        raise ConflictException("Method already exists for this resource")
    return PUT_METHOD(backend, function_id, resource_id, method_type, *more, **keywords)


def _create_resource(
    backend: Any, function_id: str, parent_resource_id: str, path_part: str
) -> Any:
    for each in backend.get_resources(function_id):
        if (each.parent_id, each.path_part) == (parent_resource_id, path_part):
            text = "Another resource with the same parent already has this name"
            raise ConflictException(f"{text}: {path_part}")
    return CREATE_RESOURCE(backend, function_id, parent_resource_id, path_part)


def _delete_resource(backend: Any, function_id: str, resource_id: str) -> Any:
    """Delete a resource with all below it."""
    deleted = backend.get_resource(function_id, resource_id)
    for each in backend.get_resources(function_id):
        if each.parent_id == resource_id:
            _delete_resource(backend, function_id, each.id)
    del backend.get_rest_api(function_id).resources[resource_id]
    return deleted


def _delete_rest_api(backend: Any, function_id: str) -> Any:
    if function_id not in backend.apis:
        raise RestAPINotFound
    return backend.apis.pop(function_id)


def _delete_deployment(backend: Any, function_id: str, deployment_id: str) -> Any:
    api = backend.get_rest_api(function_id)
    if deployment_id not in api.deployments:
        raise DeploymentNotFoundException
    if any(stage.deployment_id == deployment_id for stage in api.stages.values()):
        text = "Active stages pointing to this deployment must be moved or deleted"
        raise BadRequestException(text)
    return api.deployments.pop(deployment_id)


def _tag(response: Any) -> Any:
    api = _tagged_api(response)
    if api is None:
        return TAG(response)
    api.tags.update(response._get_param("tags"))
    return "{}"


def _untag(response: Any) -> Any:
    api = _tagged_api(response)
    if api is None:
        return UNTAG(response)
    for key in response.querystring.get("tagKeys") or []:
        api.tags.pop(key, None)
    return "{}"


def _tagged_api(response: Any) -> Any:
    """Return the API that the request's ARN names; None when it names a stage."""
    *_, kind, api_id = unquote(response.path.split("/tags/")[1]).split("/")
    return response.backend.get_rest_api(api_id) if kind == "restapis" else None
