"""What AWS authorises a call on, where MiniStack knows less: all resources, tags, passed roles.

MiniStack checks one action on one resource, and for many calls names that by another ARN, or `*`.
Here is what the services of an application are checked for: so a policy that names resources
(`batchctl policy`) is enforced as in AWS. Source: Service Authorization Reference, "Actions,
resources, and condition keys" of each service, and what the functions name beside.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Context = Mapping[str, Any]


@dataclass(frozen=True)
class Check:
    """One action on one resource, with the condition keys that it has beside the call's own."""

    action: str
    arn: str
    context: Context = field(default_factory=dict)


@dataclass(frozen=True)
class AuthorizedCall:
    """A call as IAM sees it; `own_arn` is what MiniStack finds that it is on.

    `path_of` returns the path of a role or an instance profile.

    `function_of` returns the ARN of the function of an event source mapping. Both return an empty
    text for what isn't there.
    """

    service: str
    operation: str
    parameters: Mapping[str, Any]
    region: str
    account: str
    path_of: Callable[[str, str], str]
    function_of: Callable[[str], str]
    linked_roles: frozenset[str] = frozenset()
    own_arn: str = "*"

    def arn(self, resource: str, service: str = "") -> str:
        """Return an ARN of this account."""
        name = service or self.service
        region = "" if name == "iam" else self.region
        return f"arn:aws:{name}:{region}:{self.account}:{resource}"

    def text(self, *names: str) -> str:
        """Return the first of these parameters that has a text."""
        return next((str(self.parameters[each]) for each in names if self.parameters.get(each)), "")


def parameters(body: bytes, query: Mapping[str, Any]) -> dict[str, Any]:
    """Return a call's parameters, of whichever protocol; those of lists by their numbers."""
    found = {
        name: value[0] if isinstance(value, list) and value else value
        for name, value in query.items()
    }
    try:
        parsed = json.loads(body) if body[:1] == b"{" else {}
    except ValueError:
        parsed = {}
    return {**found, **parsed}


_OF_FUNCTIONS = {
    ("event-invoke-config", "GET"): "GetFunctionEventInvokeConfig",
    ("event-invoke-config", "PUT"): "PutFunctionEventInvokeConfig",
    ("event-invoke-config", "DELETE"): "DeleteFunctionEventInvokeConfig",
    ("concurrency", "GET"): "GetFunctionConcurrency",
    ("concurrency", "DELETE"): "DeleteFunctionConcurrency",
}
_OF_MAPPINGS = {
    "GET": "GetEventSourceMapping",
    "PUT": "UpdateEventSourceMapping",
    "DELETE": "DeleteEventSourceMapping",
}


def lambda_action(method: str, path: str) -> str | None:
    """Return Lambda's action where MiniStack takes it for another; None: as that says."""
    parts = [each for each in path.split("/") if each][1:]
    match parts:
        case ["account-settings", *_]:
            return "GetAccountSettings"
        case ["event-source-mappings", _]:
            return _OF_MAPPINGS.get(method)
        case ["functions", _, kind, *_]:
            return _OF_FUNCTIONS.get((kind, method))
        case _:
            return None


def chief(call: AuthorizedCall) -> str | None:
    """Return the resource that the call's own action is checked on; None: as MiniStack says."""
    find = _CHIEF.get(call.service)
    return find(call) if find else None


def beside(call: AuthorizedCall) -> Iterator[Check]:
    """Yield what is checked beside the call's own action: tags, passed roles, other resources."""
    yield from _tags(call)
    yield from _passed_roles(call)
    if call.service == "ec2" and call.operation == "CreateSecurityGroup":
        yield Check("ec2:CreateSecurityGroup", call.arn(f"vpc/{call.text('VpcId')}"))
    if call.service == "elasticloadbalancing":
        yield from _of_load_balancer(call)
    patched = call.parameters.get("patchOperations")
    if call.service == "apigateway" and isinstance(patched, list):
        yield from _of_policy(call, patched)


def _of_policy(call: AuthorizedCall, patched: list[Any]) -> Iterator[Check]:
    """Yield the check of a change of a REST API's resource policy."""
    paths = {str(each.get("path")) for each in patched if isinstance(each, Mapping)}
    if "/policy" in paths:
        yield Check("apigateway:UpdateRestApiPolicy", call.own_arn)


def own_context(call: AuthorizedCall) -> Context:
    """Return the condition keys of the call's own action that MiniStack doesn't know."""
    name = call.text("FunctionName")
    if call.service == "lambda" and call.operation.endswith("EventSourceMapping"):
        given = name if name.startswith("arn:") else call.arn(f"function:{name}")
        function = given if name else call.function_of(call.text("UUID"))
        return {"lambda:functionarn": function}
    if call.service == "ec2":
        return _request_tags(call)
    if call.service == "apigateway":
        tags = call.parameters.get("tags")
        pairs = tags.items() if isinstance(tags, Mapping) else ()
        return {f"aws:requesttag/{key}".lower(): str(value) for key, value in pairs}
    if call.operation == "CreateServiceLinkedRole":
        return {"iam:awsservicename": call.text("AWSServiceName")}
    if call.operation in {"AttachRolePolicy", "DetachRolePolicy"}:
        return {"iam:policyarn": call.text("PolicyArn")}
    return {}


def _request_tags(call: AuthorizedCall) -> Context:
    """Return the tags that an EC2 call gives to what it makes or tags."""
    keys = [each for each in call.parameters if "Tag." in each and each.endswith(".Key")]
    return {
        f"aws:requesttag/{call.parameters[each]}".lower(): call.text(f"{each[:-4]}.Value")
        for each in keys
    }


def _of_lambda(call: AuthorizedCall) -> str | None:
    if call.operation != "CreateFunction":
        return None
    return call.arn(f"function:{call.text('FunctionName')}")


def _of_iam(call: AuthorizedCall) -> str | None:
    if source := call.text("PolicySourceArn"):
        return source
    profile, role = call.text("InstanceProfileName"), call.text("RoleName")
    if call.operation == "CreateServiceLinkedRole":
        return _linked_role(call, call.text("AWSServiceName"))
    if profile:
        path = call.text("Path") or call.path_of("instance-profile", profile) or "/"
        return call.arn(f"instance-profile{path}{profile}")
    if role:
        path = call.text("Path") or call.path_of("role", role) or "/"
        return call.arn(f"role{path}{role}")
    return None


_LINKED = {"batch": "Batch", "elasticloadbalancing": "ElasticLoadBalancing"}


def _linked_role(call: AuthorizedCall, service: str) -> str:
    title = _LINKED.get(service.partition(".")[0], "")
    return call.arn(f"role/aws-service-role/{service}/AWSServiceRoleFor{title}", "iam")


def _of_ec2(call: AuthorizedCall) -> str | None:
    if call.operation.startswith("Describe"):
        return "*"
    made = {
        "CreateSecurityGroup": "security-group/*",
        "CreateLaunchTemplate": "launch-template/*",
    }
    if call.operation in made:
        return call.arn(made[call.operation])
    if template := call.text("LaunchTemplateId"):
        return call.arn(f"launch-template/{template}")
    if tagged := call.text("ResourceId.1"):
        kinds = {"sg": "security-group", "lt": "launch-template", "eni": "network-interface"}
        kind = kinds.get(tagged.partition("-")[0])
        return call.arn(f"{kind}/{tagged}") if kind else None
    return None


def _of_elb(call: AuthorizedCall) -> str | None:
    if call.operation.startswith("Describe"):
        return "*"
    made = {"CreateLoadBalancer": "loadbalancer/app", "CreateTargetGroup": "targetgroup"}
    if call.operation in made:
        return call.arn(f"{made[call.operation]}/{call.text('Name')}/*")
    return call.text("RuleArn", "ResourceArns.member.1") or None


def _of_events(call: AuthorizedCall) -> str | None:
    if tagged := call.text("ResourceARN"):
        return tagged
    name = call.text("Name", "Rule", "RuleName")
    on_default = call.text("EventBusName") in {"", "default"}
    return call.arn(f"rule/{name}") if name and on_default else None


def _of_tagged(call: AuthorizedCall) -> str | None:
    return call.text("ResourceArn", "resourceArn") or None


_CHIEF: Mapping[str, Callable[[AuthorizedCall], str | None]] = {
    "iam": _of_iam,
    "lambda": _of_lambda,
    "ec2": _of_ec2,
    "elasticloadbalancing": _of_elb,
    "events": _of_events,
    "dynamodb": _of_tagged,
    "ecr": _of_tagged,
    "wafv2": _of_tagged,
}

_TAGGING = {
    ("dynamodb", "CreateTable"): "dynamodb:TagResource",
    ("ec2", "CreateLaunchTemplate"): "ec2:CreateTags",
    ("ec2", "CreateSecurityGroup"): "ec2:CreateTags",
    ("ecr", "CreateRepository"): "ecr:TagResource",
    ("elasticloadbalancing", "CreateListener"): "elasticloadbalancing:AddTags",
    ("elasticloadbalancing", "CreateLoadBalancer"): "elasticloadbalancing:AddTags",
    ("elasticloadbalancing", "CreateRule"): "elasticloadbalancing:AddTags",
    ("elasticloadbalancing", "CreateTargetGroup"): "elasticloadbalancing:AddTags",
    ("events", "PutRule"): "events:TagResource",
    ("iam", "CreateInstanceProfile"): "iam:TagInstanceProfile",
    ("iam", "CreateRole"): "iam:TagRole",
    ("lambda", "CreateEventSourceMapping"): "lambda:TagResource",
    ("lambda", "CreateFunction"): "lambda:TagResource",
    ("logs", "CreateLogGroup"): "logs:TagResource",
    ("sqs", "CreateQueue"): "sqs:TagQueue",
}
"""What a call is also checked for when it makes something with tags."""


def _tags(call: AuthorizedCall) -> Iterator[Check]:
    action = _TAGGING.get((call.service, call.operation))
    if action is None or not any(_names_tags(each) for each in call.parameters):
        return
    context = {"ec2:createaction": call.operation} if call.service == "ec2" else {}
    yield Check(action, _made(call), context)


def _names_tags(parameter: str) -> bool:
    return parameter.lower() == "tags" or parameter.startswith(("Tags.member.", "TagSpecification"))


def _made(call: AuthorizedCall) -> str:
    """Return the ARN of what the call makes, as far as it is known before."""
    if call.service == "elasticloadbalancing" and call.operation in {
        "CreateListener",
        "CreateRule",
    }:
        kind = "listener" if call.operation == "CreateListener" else "listener-rule"
        parent = call.text("LoadBalancerArn", "ListenerArn").split(":", 5)[-1]
        return call.arn(f"{kind}/{parent.partition('/')[2]}/*")
    if call.service == "lambda":
        name = call.text("FunctionName")
        made = (
            f"function:{name}" if call.operation == "CreateFunction" else "event-source-mapping:*"
        )
        return call.arn(made)
    names = {
        "dynamodb": f"table/{call.text('TableName')}",
        "ecr": f"repository/{call.text('repositoryName')}",
        "logs": f"log-group:{call.text('logGroupName')}",
        "sqs": call.text("QueueName"),
    }
    return chief(call) or call.arn(names[call.service])


_PASSED = {
    ("apigateway", "PATCH"): "apigateway.amazonaws.com",
    ("batch", "CreateComputeEnvironment"): "ec2.amazonaws.com",
    ("batch", "RegisterJobDefinition"): "ecs-tasks.amazonaws.com",
    ("iam", "AddRoleToInstanceProfile"): "ec2.amazonaws.com",
    ("lambda", "CreateFunction"): "lambda.amazonaws.com",
    ("lambda", "UpdateFunctionConfiguration"): "lambda.amazonaws.com",
}
"""To whom a call passes the roles that it names (IAM user guide, "iam:PassedToService")."""


def _passed_roles(call: AuthorizedCall) -> Iterator[Check]:
    service = _PASSED.get((call.service, call.operation))
    if service is None:
        return
    for role in sorted(_roles_in(call)):
        linked = role.partition(":role/aws-service-role/")[2].partition("/")[0]
        yield Check("iam:PassRole", role, {"iam:passedtoservice": linked or service})


def _roles_in(call: AuthorizedCall) -> set[str]:
    if call.operation == "AddRoleToInstanceProfile":
        name = call.text("RoleName")
        return {call.arn(f"role{call.path_of('role', name) or '/'}{name}")}
    return {
        each for each in _texts(call.parameters) if each.startswith("arn:") and ":role/" in each
    }


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


_LOOKED_UP = {
    "CreateLoadBalancer": (
        *("DescribeAccountAttributes", "DescribeAddresses", "DescribeInternetGateways"),
        *("DescribeSecurityGroups", "DescribeSubnets", "DescribeVpcs"),
    ),
    "CreateTargetGroup": ("DescribeInternetGateways", "DescribeVpcs"),
    "SetIpAddressType": ("DescribeSubnets",),
    "SetSubnets": ("DescribeSubnets",),
}
"""Elastic Load Balancing user guide, "Elastic Load Balancing API permissions"."""


def _of_load_balancer(call: AuthorizedCall) -> Iterator[Check]:
    for action in _LOOKED_UP.get(call.operation, ()):
        yield Check(f"ec2:{action}", "*")
    service = "elasticloadbalancing.amazonaws.com"
    if call.operation == "CreateLoadBalancer" and service not in call.linked_roles:
        role = _linked_role(call, service)
        yield Check("iam:CreateServiceLinkedRole", role, {"iam:awsservicename": service})
