"""Has MiniStack check every call for all that AWS checks it for; knows its insides as `ministack`.

MiniStack asks what a call does (`extract_iam_action`) and on what (`extract_resource_arn`), then
whether that is allowed (`enforce`), then how to say no (`access_denied_response`), in one thread of
control. In between stands here what `authorization` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from importlib import import_module
from typing import Any

from batchctl.local.emulator.authorization import (
    AuthorizedCall,
    Check,
    beside,
    chief,
    lambda_action,
    own_context,
    parameters,
)

_asked: ContextVar[AuthorizedCall | None] = ContextVar("asked", default=None)
_denied: ContextVar[Check | None] = ContextVar("denied", default=None)


def check_as_aws() -> None:
    """Replace the three; what Batch's calls are on is known by whoever serves Batch."""
    actions: Any = import_module("ministack.core.iam_actions")
    evaluator: Any = import_module("ministack.core.iam_evaluator")
    name_action, find, enforce, deny = (
        actions.extract_iam_action,
        actions.extract_resource_arn,
        evaluator.enforce,
        actions.access_denied_response,
    )

    def iam_action(service: str, method: str, path: str, *rest: Any) -> str | None:
        corrected = lambda_action(method, path) if service == "lambda" else None
        found: str | None = name_action(service, method, path, *rest)
        return f"lambda:{corrected}" if corrected else found

    def resource_arn(service: str, method: str, path: str, *rest: Any) -> str:
        headers, body, query, region, account = rest
        action = iam_action(service, method, path, headers, body, query) or ""
        given = parameters(body, query)
        found = find(service, method, path, *rest)
        if service == "lambda" and "/event-source-mappings/" in path:
            given["UUID"] = path.rstrip("/").rpartition("/")[2]
        call = AuthorizedCall(
            service,
            action.partition(":")[2],
            given,
            region,
            account,
            _path_of,
            _function_of,
            _linked_roles(),
            str(found),
        )
        _asked.set(call)
        _denied.set(None)
        return (chief(call) if service != "batch" else None) or str(found)

    def enforce_all(key: str, action: str, service: str, region: str, **named: Any) -> Any:
        call = _asked.get()
        _asked.set(None)
        if call is None:
            return enforce(key, action, service, region, **named)
        context = {**(named.get("service_context") or {}), **own_context(call)}
        refused = enforce(key, action, service, region, **{**named, "service_context": context})
        for check in () if refused is not None else beside(call):
            refused = enforce(
                key,
                check.action,
                check.action.partition(":")[0],
                region,
                resource_arn=check.arn,
                service_context={**context, **check.context},
            )
            if refused is not None:
                _denied.set(check)
                break
        return refused

    def denied_response(service: str, action: str, *rest: Any, **named: Any) -> Any:
        check = _denied.get()
        _denied.set(None)
        if check is None:
            return deny(service, action, *rest, **named)
        return deny(service, check.action, *rest, **{**named, "resource_arn": check.arn})

    actions.extract_iam_action = iam_action
    actions.extract_resource_arn = resource_arn
    actions.access_denied_response = denied_response
    evaluator.enforce = enforce_all
    _show_tags()


def _path_of(kind: str, name: str) -> str:
    iam = vars(import_module("ministack.services.iam"))
    found = iam["_roles" if kind == "role" else "_instance_profiles"].get(name)
    return str(found["Path"]) if found else ""


def _function_of(uuid: str) -> str:
    functions = vars(import_module("ministack.services.lambda_svc"))
    return str((functions["_esms"].get(uuid) or {}).get("FunctionArn", ""))


def _linked_roles() -> frozenset[str]:
    """Return the services that have their role."""
    roles: Mapping[str, Any] = vars(import_module("ministack.services.iam"))["_roles"]
    paths = (str(each.get("Path", "")) for each in roles.values())
    return frozenset(path.split("/")[2] for path in paths if path.startswith("/aws-service-role/"))


def _show_tags() -> None:
    """Let conditions on `aws:ResourceTag` see the tags of EC2's things and of REST APIs.

    What belongs to an API has its tags (API Gateway developer guide, "API Gateway resources that
    can be tagged": inherited for attribute-based access control).
    """
    tagging: Any = import_module("ministack.services.tagging")
    original = tagging.resource_tags

    def resource_tags(arn: str) -> dict[str, str] | None:
        service, resource = arn.split(":", 5)[2::3] if arn.count(":") > 4 else ("", "")
        if service == "ec2":
            tags = vars(import_module("ministack.services.ec2"))["_tags"]
            listed = tags.get(resource.partition("/")[2]) or ()
            return {each["Key"]: each["Value"] for each in listed}
        if service == "apigateway" and resource.startswith("/restapis/"):
            apis = vars(import_module("ministack.services.apigateway_v1"))["_rest_apis"]
            api: Mapping[str, Any] = apis.get(resource.split("/")[2]) or {}
            return dict(api.get("tags") or {})
        found: dict[str, str] | None = original(arn)
        return found

    tagging.resource_tags = resource_tags
