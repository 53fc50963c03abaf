"""The calls of AWS that stand in the source: a client of the account, and an operation of it."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
from botocore import xform_name
from granted import action_of

import batchctl

SOURCE = Path(batchctl.__file__).parent
# The clients' names in `Aws`, where they aren't the services'.
SERVICES = {"awslambda": "lambda", "service_quotas": "service-quotas"}
CLIENTS = (
    *("acm", "apigateway", "awslambda", "batch", "dynamodb", "ec2", "ecr", "elbv2", "events"),
    *("iam", "logs", "service_quotas", "sqs", "sts", "wafv2"),
)


def actions_called(room: str) -> dict[str, str]:
    """Return the actions that the source in a room of batchctl calls, each with a file."""
    paths = sorted((SOURCE / room).rglob("*.py"))
    return {action: path.name for path in paths for action in _actions_in(path)}


def _actions_in(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (client := _client(node.value)):
            yield from _actions(client, node.attr)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            client = _client(node.func.value)
            if client and node.func.attr == "get_paginator":
                assert isinstance(node.args[0], ast.Constant)
                yield from _actions(client, str(node.args[0].value))


def _client(node: ast.expr) -> str | None:
    """Return the client that an expression is: `aws.sqs`, or `ec2` by itself."""
    if isinstance(node, ast.Name):
        return node.id if node.id == "ec2" else None
    if isinstance(node, ast.Attribute) and node.attr in CLIENTS:
        root = node.value
        name = root.id if isinstance(root, ast.Name) else getattr(root, "attr", "")
        return node.attr if name in {"aws", "_aws"} else None
    return None


def _actions(client: str, method: str) -> Iterator[str]:
    model = _model(SERVICES.get(client, client))
    for name in model.operation_names:
        if xform_name(name) == method:
            yield action_of(model.operation_model(name))


@functools.cache
def _model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)
