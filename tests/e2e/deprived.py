"""A user of the local cloud with a policy, who tries every call without each action that it needs.

Before a call of the command line is made, it is sent as often as the policy has actions for it,
each time without one of them: it must be refused. Then it is made, with the whole policy.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from application import REGION, Application
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from granted import action_of
from rare_calls import Rare

from batchctl.aws.refusals import ACCESS_DENIED
from batchctl.local.control.record import CloudRecord

USER = "operator"
REAL_CALL = vars(BaseClient)["_make_api_call"]
LOOKED_UP_BY_ELB = (
    *("ec2:DescribeAccountAttributes", "ec2:DescribeAddresses", "ec2:DescribeInternetGateways"),
    *("ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"),
)
PASSING = {
    *("AddRoleToInstanceProfile", "CreateComputeEnvironment", "CreateFunction"),
    *("RegisterJobDefinition", "UpdateAccount", "UpdateFunctionConfiguration"),
}
TAGGING = {
    "dynamodb": "dynamodb:TagResource",
    "ec2": "ec2:CreateTags",
    "ecr": "ecr:TagResource",
    "elasticloadbalancing": "elasticloadbalancing:AddTags",
    "events": "events:TagResource",
    "lambda": "lambda:TagResource",
    "logs": "logs:TagResource",
    "sqs": "sqs:TagQueue",
    "batch": "batch:TagResource",
}
Pair = tuple[int, str]
ONCE = ("Create", "Delete", "Register", "Start")
"""What can't be done twice."""


@dataclass
class Deprived:
    """The user, the statements of the policy, and which of their actions were proven needed."""

    application: Application
    statements: list[dict[str, Any]]
    needed: set[Pair] = field(default_factory=set)
    not_needed: dict[Pair, str] = field(default_factory=dict)
    tried: int = 0
    log: list[str] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.iam = self.application.client("iam")
        self.iam.create_user(UserName=USER)
        self.allow(self.statements)
        key = self.iam.create_access_key(UserName=USER)["AccessKey"]
        self.credentials = (key["AccessKeyId"], key["SecretAccessKey"])

    @property
    def pairs(self) -> set[Pair]:
        """Every action of every statement."""
        return {
            (index, action)
            for index, statement in enumerate(self.statements)
            for action in statement["Action"]
        }

    def allow(self, statements: list[dict[str, Any]]) -> None:
        """Give the user this policy and no other."""
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        self.iam.put_user_policy(UserName=USER, PolicyName="batchctl", PolicyDocument=document)

    @contextmanager
    def without(self, pair: Pair) -> Iterator[None]:
        """Take an action out of a statement for the block."""
        index, action = pair
        kept = [each for each in self.statements[index]["Action"] if each != action]
        statement = {**self.statements[index], "Action": kept}
        rest = [*self.statements[:index], *self.statements[index + 1 :]]
        self.allow([*rest, statement] if kept else rest)
        try:
            yield
        finally:
            self.allow(self.statements)

    def called(self, client: Any, operation: str, given: Mapping[str, Any]) -> Any:
        """Try a call without each action that it may need, then make it."""
        with self.lock:
            model = client.meta.service_model.operation_model(operation)
            wanted = {action_of(model), *implied(model.service_model.signing_name, model, given)}
            for pair in sorted(self.pairs - self.needed):
                if pair[1] in wanted and self._is_for(pair, model, given):
                    answer = self._try(pair, client, operation, given)
                    if answer is not None and operation.startswith(ONCE):
                        return answer
            return REAL_CALL(client, operation, given)

    def make(
        self, calls_in: Callable[[Callable[[str], Any]], list[Rare]], problems: list[str]
    ) -> None:
        """Make calls that the life hasn't; what they are about may be missing, if `up` failed."""
        try:
            calls = calls_in(self.application.client)
        except (IndexError, KeyError, ClientError) as error:
            problems.append(f"{calls_in.__name__}: {error!r}")
            return
        for service, method, given in calls:
            key_id, secret = self.credentials
            client = boto3.client(  # type: ignore[call-overload]
                service,
                region_name=REGION,
                endpoint_url=f"http://127.0.0.1:{self.application.gateway_port}",
                aws_access_key_id=key_id,
                aws_secret_access_key=secret,
            )
            with suppress(ClientError):  # what it is about may not be there
                getattr(client, method)(**given)

    def refuse(self, action: str, command: Callable[[], bool]) -> None:
        """Count an action as needed when a command, which returns whether it worked, needs it."""
        for pair in sorted(self.pairs - self.needed):
            if pair[1] == action:
                self.tried += 1
                with self.without(pair):
                    if not command():
                        self.needed.add(pair)

    def _try(self, pair: Pair, client: Any, operation: str, given: Mapping[str, Any]) -> Any:
        """Make a call without an action; return its answer when it isn't refused for that."""
        self.tried += 1
        with self.without(pair):
            try:
                answer = REAL_CALL(client, operation, given)
            except ClientError as error:
                code = error.response["Error"]["Code"]
                self.log.append(f"{operation} without {pair}: {code}")
                if code not in ACCESS_DENIED:
                    raise
                self.needed.add(pair)
                self.not_needed.pop(pair, None)
                return None
        self.log.append(f"{operation} without {pair}: not refused")
        self.not_needed[pair] = operation
        return answer

    def _is_for(self, pair: Pair, model: Any, given: Mapping[str, Any]) -> bool:
        """Whether the action is the call's own on what it names, or about what it makes or tags."""
        if self.statements[pair[0]]["Resource"] == ["*"]:
            return True
        own = pair[1] == action_of(model)
        if own and "Tag" not in model.name and not pair[1].startswith(("apigateway:", "iam:")):
            return True
        return self._may_be_of(pair, model.name, given)

    def _may_be_of(self, pair: Pair, operation: str, given: Mapping[str, Any]) -> bool:
        """Whether the statement is about what the call is on.

        A call for which it isn't would be made without being refused.
        """
        statement, action = self.statements[pair[0]], pair[1]
        resources = json.dumps(statement["Resource"])
        if "ec2:CreateAction" in json.dumps(statement.get("Condition", {})):
            return operation in json.dumps(statement["Condition"])
        if action == "ec2:CreateTags" and operation != action.partition(":")[2]:
            return False  # this statement is of what is there already
        if action == "iam:PassRole":
            passed = PASSED_BY.get(operation, "role/batchapp-")
            return passed in resources
        if action.startswith("iam:"):
            service = str(given.get("AWSServiceName", "elasticloadbalancing")).partition(".")[0]
            linked = "aws-service-role" in resources
            if action == "iam:CreateServiceLinkedRole":
                return service in resources
            name = str(given.get("RoleName", ""))
            of_api = LOGS_ROLE in resources
            return (name == LOGS_ROLE) == of_api and (name.startswith("AWSService")) == linked
        token = on(operation, given)
        return token is None or token in resources


LOGS_ROLE = "batchctl-api-gateway-logs"
PASSED_BY = {"CreateComputeEnvironment": "aws-service-role", "UpdateAccount": LOGS_ROLE}
MADE = {
    "CreateComputeEnvironment": "compute-environment/",
    "CreateJobQueue": "job-queue/",
    "CreateSchedulingPolicy": "scheduling-policy/",
    "RegisterJobDefinition": "job-definition/",
    "CreateLoadBalancer": ":loadbalancer/",
    "CreateTargetGroup": ":targetgroup/",
    "CreateListener": ":listener/",
    "CreateRule": ":listener-rule/",
    "CreateFunction": ":function:",
    "CreateEventSourceMapping": "event-source-mapping:",
    "CreateRestApi": '/restapis"',
    "GetRestApis": '/restapis"',
    "GetAccount": "/account",
    "UpdateAccount": "/account",
}
"""What the tags of a new thing are on; of API Gateway what any call is on."""


def on(operation: str, given: Mapping[str, Any]) -> str | None:
    """Return what stands in the ARN of what a call tags, or is on; None: it doesn't matter."""
    if operation in MADE:
        return MADE[operation]
    named = given.get("resourceArn") or given.get("Resource") or given.get("ResourceArns", [""])[0]
    if not named and "Resources" in given:
        named = (
            "::::::"
            + {"sg": "security-group", "lt": "launch-template"}[
                given["Resources"][0].partition("-")[0]
            ]
        )
        return named.rpartition(":")[2] + "/"
    if str(named).startswith("arn:aws:apigateway"):
        return "/tags/"
    if "restApiId" in given:
        return "/restapis/*"
    return None if not named else str(named).split(":", 5)[5].replace(":", "/").partition("/")[0]


def implied(service: str, model: Any, given: Mapping[str, Any]) -> set[str]:
    """Return what a call is checked for beside its own action."""
    found: set[str] = set()
    if model.name in PASSING:
        found.add("iam:PassRole")
    if {"Tags", "tags", "TagSpecifications"} & given.keys() and service in TAGGING:
        found.add(TAGGING[service])
    if model.name == "CreateRole" and "Tags" in given:
        found.add("iam:TagRole")
    if model.name == "CreateInstanceProfile" and "Tags" in given:
        found.add("iam:TagInstanceProfile")
    if "/policy" in str(given.get("patchOperations")):
        found.add("apigateway:UpdateRestApiPolicy")
    if model.name == "CreateLoadBalancer":
        found |= {*LOOKED_UP_BY_ELB, "iam:CreateServiceLinkedRole"}
    return found


@contextmanager
def acting_as(user: Deprived) -> Iterator[None]:
    """Let the command line, in this process, have the user's credentials instead of root's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CloudRecord, "root", property(lambda _: user.credentials))
        patch.chdir(user.application.folder)

        def call(client: Any, operation: str, given: Any) -> Any:
            key = vars(client)["_request_signer"]._credentials.access_key
            if key != user.credentials[0]:
                return REAL_CALL(client, operation, given)
            return user.called(client, operation, given)

        patch.setattr(BaseClient, "_make_api_call", call)
        yield
