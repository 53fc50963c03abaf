"""A call of each service that leaves something of a given name behind."""

from __future__ import annotations

import base64
import json
import zipfile
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

from http_by_hand import Request

ACCOUNT = "000000000000"


@dataclass(frozen=True)
class Call:
    """A request to a service, unsigned, and the name by which signatures know the service."""

    service: str
    request: Request


def calls(port: int, name: str) -> list[Call]:
    """Return a call of each service, most of which make something called `name`."""
    made = [*_query_calls(name), *_target_calls(name), *_rest_calls(name)]
    host = f"127.0.0.1:{port}"
    return [Call(service, request.having(Host=host)) for service, request in made]


def zipped(source: str) -> str:
    """Return a function's code as CreateFunction takes it."""
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("index.py", source)
    return base64.b64encode(content.getvalue()).decode()


def _query_calls(name: str) -> list[tuple[str, Request]]:
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": f"{name}-of-stack"}}
    template = json.dumps({"Resources": {"Queue": queue}})
    fields: dict[str, tuple[str, str, dict[str, str]]] = {
        "iam": ("CreateUser", "2010-05-08", {"UserName": name}),
        "sts": ("GetCallerIdentity", "2011-06-15", {}),
        "cloudformation": (
            "CreateStack",
            "2010-05-15",
            {"StackName": name, "TemplateBody": template},
        ),
        "ec2": (
            "CreateSecurityGroup",
            "2016-11-15",
            {"GroupName": name, "GroupDescription": "made"},
        ),
        "elasticloadbalancing": (
            "CreateTargetGroup",
            "2015-12-01",
            {"Name": name, "TargetType": "lambda"},
        ),
        "sns": ("CreateTopic", "2010-03-31", {"Name": name}),
    }
    return [
        (service, _form({"Action": action, "Version": version, **parameters}))
        for service, (action, version, parameters) in fields.items()
    ]


def _form(fields: dict[str, str]) -> Request:
    headers = (("Content-Type", "application/x-www-form-urlencoded"),)
    return Request("POST", "/", headers, urlencode(fields).encode())


def _target_calls(name: str) -> list[tuple[str, Request]]:
    table = {
        "TableName": name,
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    targets: dict[str, tuple[str, dict[str, Any]]] = {
        "sqs": ("AmazonSQS.CreateQueue", {"QueueName": name}),
        "dynamodb": ("DynamoDB_20120810.CreateTable", table),
        "logs": ("Logs_20140328.CreateLogGroup", {"logGroupName": name}),
        "ecr": (
            "AmazonEC2ContainerRegistry_V20150921.CreateRepository",
            {"repositoryName": name},
        ),
        "events": ("AWSEvents.PutRule", {"Name": name, "ScheduleExpression": "rate(1 day)"}),
        "secretsmanager": ("secretsmanager.CreateSecret", {"Name": name, "SecretString": "s"}),
    }
    return [
        (service, _json("POST", "/", content).adding("X-Amz-Target", target))
        for service, (target, content) in targets.items()
    ]


def _rest_calls(name: str) -> list[tuple[str, Request]]:
    function = {
        "FunctionName": name,
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Role": f"arn:aws:iam::{ACCOUNT}:role/front-function",
        "Code": {"ZipFile": zipped("def handler(event, context): return 1")},
    }
    properties = {
        "image": "batchapp:1",
        "command": ["true"],
        "resourceRequirements": [
            {"type": "VCPU", "value": "1"},
            {"type": "MEMORY", "value": "512"},
        ],
    }
    definition = {"jobDefinitionName": name, "type": "container"}
    return [
        ("lambda", _json("POST", "/2015-03-31/functions", function)),
        (
            "batch",
            _json(
                "POST",
                "/v1/registerjobdefinition",
                definition | {"containerProperties": properties},
            ),
        ),
        ("apigateway", _json("POST", "/restapis", {"name": name})),
        ("s3", Request("PUT", f"/{name}-bucket")),
    ]


def _json(method: str, target: str, content: dict[str, Any]) -> Request:
    headers = (("Content-Type", "application/json"),)
    return Request(method, target, headers, json.dumps(content).encode())
