"""The resources and methods of a REST API: read in one call, written in an order that is safe.

In API Gateway's words a *resource* is a node of the tree of paths, and a *method* belongs to one.
Nothing of this reaches a caller before it is deployed, so a method that differs is deleted and put
again: there is no other way to change its kind of integration, and only one to get here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from batchctl.aws.errors import ignore_missing, is_existing
from batchctl.aws.session import Aws
from batchctl.resource import Properties

if TYPE_CHECKING:
    from mypy_boto3_apigateway.type_defs import PaginatorConfigTypeDef

# The most that one call answers (API Reference, GetResources).
PAGES: PaginatorConfigTypeDef = {"PageSize": 500}


@dataclass(frozen=True)
class Tree:
    """Ids of the resources by path, and the methods with their integrations by `PUT /path`."""

    ids: dict[str, str]
    methods: dict[str, Any]


def read(aws: Aws, api_id: str) -> Tree:
    """Return the tree of an API."""
    pages = aws.apigateway.get_paginator("get_resources").paginate(
        restApiId=api_id, embed=["methods"], PaginationConfig=PAGES
    )
    resources = [resource for page in pages for resource in page.get("items", [])]
    return Tree(
        {resource["path"]: resource["id"] for resource in resources},
        {
            f"{http_method} {resource['path']}": _method(method)
            for resource in resources
            for http_method, method in resource.get("resourceMethods", {}).items()
        },
    )


def _method(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return a method with the part of its integration that we own."""
    integration = found.get("methodIntegration") or {}
    return {
        "authorizationType": found.get("authorizationType"),
        "apiKeyRequired": found.get("apiKeyRequired") or False,
        **{key: integration.get(key) for key in ("type", "httpMethod", "uri")},
    }


def paths_to(paths: Iterable[str]) -> list[str]:
    """Return the paths with all that lie above them, sorted."""
    above = {"/"}
    for path in paths:
        parts = path.strip("/").split("/")
        above |= {"/" + "/".join(parts[:count]) for count in range(len(parts) + 1)}
    return sorted(above)


def write(aws: Aws, api_id: str, desired: Properties) -> None:
    """Bring an API's tree to `paths` and `methods` of `desired`, whatever it has now."""
    wanted: Mapping[str, Any] = desired["methods"]
    tree = read(aws, api_id)
    stale = [key for key, method in tree.methods.items() if method != wanted.get(key)]
    for key in stale:
        _delete_method(aws, api_id, tree, key)
    _delete_resources(aws, api_id, tree, desired["paths"])
    ids = _with_missing(aws, api_id, tree.ids, desired["paths"])
    for key, method in wanted.items():
        if method != tree.methods.get(key):
            _put_method(aws, api_id, ids, key, method)


def _delete_method(aws: Aws, api_id: str, tree: Tree, key: str) -> None:
    http_method, _, path = key.partition(" ")
    with ignore_missing():
        aws.apigateway.delete_method(
            restApiId=api_id, resourceId=tree.ids[path], httpMethod=http_method
        )


def _delete_resources(aws: Aws, api_id: str, tree: Tree, wanted: Iterable[str]) -> None:
    """Delete what isn't wanted: leaves first, as a resource takes those below it along."""
    for path in sorted(tree.ids.keys() - set(wanted), reverse=True):
        with ignore_missing():
            aws.apigateway.delete_resource(restApiId=api_id, resourceId=tree.ids[path])


def _with_missing(
    aws: Aws, api_id: str, ids: Mapping[str, str], paths: Iterable[str]
) -> dict[str, str]:
    """Return the ids by path, with those of the resources that had to be made; parents first."""
    known = dict(ids)
    for path in sorted(paths):
        if path not in known:
            parent, _, part = path.rpartition("/")
            answer = aws.apigateway.create_resource(
                restApiId=api_id, parentId=known[parent or "/"], pathPart=part
            )
            known[path] = answer["id"]
    return known


def _put_method(
    aws: Aws, api_id: str, ids: Mapping[str, str], key: str, method: Mapping[str, Any]
) -> None:
    http_method, _, path = key.partition(" ")
    method_address: Any = {"restApiId": api_id, "resourceId": ids[path], "httpMethod": http_method}
    try:
        aws.apigateway.put_method(**method_address, authorizationType=method["authorizationType"])
    except ClientError as error:
        # Repeated after a lost answer: what is there is what was just put.
        if not is_existing(error):
            raise
    aws.apigateway.put_integration(
        **method_address,
        type=method["type"],
        integrationHttpMethod=method["httpMethod"],
        uri=method["uri"],
    )
