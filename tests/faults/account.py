"""The application in an AWS in memory: runs from the state on disk, boto3 as the witness."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
from default_vpc import make_default_vpc_public
from examples_awslambda import package
from fake_recipe import FakeRecipe
from moto.core.config import DefaultConfig
from witness import log_groups

from batchctl.aws.clock import Clock
from batchctl.aws.session import Aws, Connection
from batchctl.config import Config
from batchctl.engine.apply import apply
from batchctl.engine.destroy import destroy, plan_destroy
from batchctl.engine.events import ignore
from batchctl.engine.plan import Plan, make_plan
from batchctl.engine.state import StateFile, StateIdentity
from batchctl.engine.walk import WalkOutcome
from batchctl.errors import Interrupted
from batchctl.resource import Resource
from batchctl.resources.awslambda import policies as function_policies
from batchctl.stack import build, in_order

MOTO: DefaultConfig = {
    "batch": {"use_docker": False},
    "lambda": {"use_docker": False},
    "iam": {"load_aws_managed_policies": True},
}
REGION = "us-east-1"
# Stands for the code of the functions, whose real zip is 1.5 MB that go to Lambda and back.
PACKAGE = package("def handler(event, context): return {}")
Stack = Sequence[Resource[Any]]
# Relative: a run finds the state in its current folder, as the command line does.
STATE = Path("batchapp.state.json")
# What comes of a run in which nothing failed, was skipped or interrupted.
DONE = WalkOutcome()


def first_stack() -> Stack:
    """The application as a small config.yaml asks for it."""
    return build(_config(), image=FakeRecipe(), package=PACKAGE)


def changed_stack() -> Stack:
    """The same with what AWS can't change in place, and another image for the containers.

    The load balancer's port, and by their names a compute environment and the load balancer, which
    takes its target groups along.
    """
    config = _config(api={"port": 9998})
    stack = build(config, image=FakeRecipe("5f4e3d2c1b0a"), package=PACKAGE)
    names = {"load_balancer.api": "batchapp-front", "compute_environment.spot": "batchapp-cheap"}
    return in_order([_renamed(each, names) for each in stack])


def door_stack(mode: str, auth: str) -> Stack:
    """A front door with the functions behind it, and nothing of Batch but what they name."""
    config = _config(api={"mode": mode, "auth": auth})
    stack = build(config, image="registry.example/compute:1", package=PACKAGE)
    return in_order([each for each in stack if each.kind in {"stage", "listener_rule"}])


def _config(**settings: Any) -> Config:
    return Config.model_validate(settings)


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """Return a resource with these physical names, in all that it needs as well."""
    if isinstance(value, Resource):
        fields = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
        fields["name"] = names.get(value.address, value.name)
        return type(value)(**{key: _renamed(each, names) for key, each in fields.items()})
    if isinstance(value, Mapping):
        return {key: _renamed(each, names) for key, each in value.items()}
    if isinstance(value, tuple):
        return tuple(_renamed(each, names) for each in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
        return type(value)(**{key: _renamed(each, names) for key, each in fields.items()})
    return value


def connect() -> Connection:
    """Return clients of an account; they are made when they are first used."""
    return Connection(
        boto3.Session(
            aws_access_key_id="testing", aws_secret_access_key="testing", region_name=REGION
        )
    )


class Account:
    """An account with a default VPC, and the runs of the application in it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.aws = self.new_run()
        make_default_vpc_public(self.connection.client("ec2"))

    def new_run(self) -> Aws:
        """The account as another process sees it, on a clock that never sleeps."""
        function_policies._LOCKS.clear()  # locks that a killed run holds die with its process
        now = [0.0]

        def sleep(stop: threading.Event, seconds: float) -> None:
            if stop.is_set():
                raise Interrupted("stopped while waiting")
            now[0] += seconds

        clock = Clock(now=lambda: now[0], sleep=sleep)
        self.aws = Aws(self.connection, stack="batchapp", tags={"team": "quant"}, clock=clock)
        return self.aws

    def up(self, stack: Stack) -> WalkOutcome:
        """Another run of `up`, from the state on disk; ends early when the plan fails."""
        aws, state = self.new_run(), self.state()
        plan = make_plan(stack, state.state, aws)
        return (
            apply(stack, plan, state, aws, ignore).outcome if plan.outcome == DONE else plan.outcome
        )

    def down(self) -> WalkOutcome:
        """Another run of `down`, from the state on disk."""
        aws, state = self.new_run(), self.state()
        return destroy(plan_destroy(state, aws, delete_data=False), state, aws, ignore)

    def reach(self, stack: Stack | None) -> WalkOutcome:
        """Bring the account to a stack, or to none."""
        return self.up(stack) if stack else self.down()

    def plan(self, stack: Stack) -> Plan:
        """Another run of `plan`, from the state on disk."""
        aws = self.new_run()
        return make_plan(stack, self.state().state, aws)

    def state(self) -> StateFile:
        """The state on disk."""
        return StateFile.load(STATE, StateIdentity("batchapp", self.aws.account, REGION))

    def holdings(self) -> dict[str, list[str]]:
        """Everything that boto3 finds of the stack, by kind: names, sorted, doubles and all."""
        found = {what: sorted(read(self)) for what, read in WITNESSES.items()}
        return {what: names for what, names in found.items() if names}

    def client(self, service: str) -> Any:
        return self.connection.client(service)


def _listing(
    service: str, operation: str, members: str, name: str, **parameters: Any
) -> Callable[[Account], list[str]]:
    """Return what lists the names of one kind of thing."""

    def read(account: Account) -> list[str]:
        pages = account.client(service).get_paginator(operation).paginate(**parameters)
        return [each[name] if name else each for page in pages for each in page.get(members, [])]

    return read


def _roles(account: Account) -> list[str]:
    """Each role with its policies, but not those that are kept for the account."""
    iam = account.client("iam")
    return [
        f"{name}: {iam.list_role_policies(RoleName=name)['PolicyNames']} "
        f"{iam.list_attached_role_policies(RoleName=name)['AttachedPolicies']}"
        for name in _listing("iam", "list_roles", "Roles", "RoleName")(account)
        if not name.startswith(("AWSServiceRoleFor", "batchctl-api-gateway-logs"))
    ]


def _profiles(account: Account) -> list[str]:
    profiles = account.client("iam").list_instance_profiles()["InstanceProfiles"]
    return [f"{p['InstanceProfileName']}: {[r['RoleName'] for r in p['Roles']]}" for p in profiles]


def _job_queues(account: Account) -> list[str]:
    queues = account.client("batch").describe_job_queues()["jobQueues"]
    return [f"{q['jobQueueName']}: {_last(q['computeEnvironmentOrder'])}" for q in queues]


def _last(order: Any) -> list[str]:
    return [each["computeEnvironment"].rpartition("/")[2] for each in order]


def _definitions(account: Account) -> list[str]:
    """Each ACTIVE revision, by number: a double one shows."""
    found = account.client("batch").describe_job_definitions(status="ACTIVE")["jobDefinitions"]
    return [f"{d['jobDefinitionName']}:{d['revision']}" for d in found]


def _images(account: Account) -> list[str]:
    """Each image by its repository and tags; a repository without images by its name."""
    ecr, found = account.client("ecr"), []
    for repository in ecr.describe_repositories()["repositories"]:
        name = repository["repositoryName"]
        images = ecr.describe_images(repositoryName=name)["imageDetails"]
        found += [f"{name}: {image['imageTags']}" for image in images] or [name]
    return found


def _statements(account: Account) -> list[str]:
    """Each statement of each function's policy, by the name of its source."""
    found: list[str] = []
    awslambda = account.client("lambda")
    for function in _listing("lambda", "list_functions", "Functions", "FunctionName")(account):
        try:
            policy = awslambda.get_policy(FunctionName=function)["Policy"]
        except awslambda.exceptions.ResourceNotFoundException:
            continue
        for statement in json.loads(policy)["Statement"]:
            source = statement["Condition"]["ArnLike"]["AWS:SourceArn"]
            found.append(f"{function}: {source.split('/')[1]}")
    return found


def _mappings(account: Account) -> list[str]:
    found = account.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    return [f"{m['EventSourceArn']} -> {m['FunctionArn']}: {m['State']}" for m in found]


def _listeners(account: Account) -> list[str]:
    """Each listener with its rules, and where they lead."""
    elbv2, found = account.client("elbv2"), []
    for balancer in elbv2.describe_load_balancers()["LoadBalancers"]:
        arn = balancer["LoadBalancerArn"]
        for listener in elbv2.describe_listeners(LoadBalancerArn=arn)["Listeners"]:
            rules = elbv2.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]
            targets = sorted(
                f"{r['Priority']}={action['TargetGroupArn'].split('/')[1]}"
                for r in rules
                for action in r["Actions"]
                if "TargetGroupArn" in action
            )
            found.append(f"{balancer['LoadBalancerName']}:{listener['Port']} {targets}")
    return found


def _target_groups(account: Account) -> list[str]:
    elbv2, found = account.client("elbv2"), []
    for group in elbv2.describe_target_groups()["TargetGroups"]:
        health = elbv2.describe_target_health(TargetGroupArn=group["TargetGroupArn"])
        targets = [each["Target"]["Id"] for each in health["TargetHealthDescriptions"]]
        found.append(f"{group['TargetGroupName']}: {targets}")
    return found


def _security_groups(account: Account) -> list[str]:
    groups = account.client("ec2").describe_security_groups()["SecurityGroups"]
    return [
        f"{g['GroupName']}: {len(g['IpPermissions'])} in, {len(g['IpPermissionsEgress'])} out"
        for g in groups
        if g["GroupName"] != "default"
    ]


def _rest_apis(account: Account) -> list[str]:
    """Each API with its methods, its own answers, its deployments and what its stages show."""
    client, found = account.client("apigateway"), []
    for api in client.get_rest_apis()["items"]:
        resources = client.get_resources(restApiId=api["id"])["items"]
        methods = sorted(
            f"{name} {each['path']} {method['authorizationType']} "
            f"{method['methodIntegration']['uri']}"
            for each in resources
            for name, method in each.get("resourceMethods", {}).items()
        )
        answers = client.get_gateway_responses(restApiId=api["id"])["items"]
        deployments = {
            each["id"]: each["description"]
            for each in client.get_deployments(restApiId=api["id"])["items"]
        }
        stages = [
            f"{stage['stageName']}: {deployments[stage['deploymentId']]} "
            f"{stage['accessLogSettings']} {stage['methodSettings']} {stage['tags']}"
            for stage in client.get_stages(restApiId=api["id"])["item"]
        ]
        paths = sorted(each["path"] for each in resources)
        types = sorted(each["responseType"] for each in answers)
        shown = [*paths, *methods, *types, *sorted(deployments.values()), *stages]
        found.append(f"{api['name']} {api['tags']}: {shown}")
    return found


def _event_rules(account: Account) -> list[str]:
    """Each rule with what it sends, by name."""
    events, found = account.client("events"), []
    for name in _listing("events", "list_rules", "Rules", "Name")(account):
        targets = events.list_targets_by_rule(Rule=name)["Targets"]
        found.append(f"{name}: {[target['Id'] for target in targets]}")
    return found


def _async_invocations(account: Account) -> list[str]:
    awslambda, found = account.client("lambda"), []
    for function in _listing("lambda", "list_functions", "Functions", "FunctionName")(account):
        configurations = awslambda.list_function_event_invoke_configs(FunctionName=function)
        found += [function for _ in configurations["FunctionEventInvokeConfigs"]]
    return found


WITNESSES: dict[str, Callable[[Account], list[str]]] = {
    "queues": _listing("sqs", "list_queues", "QueueUrls", ""),
    "tables": _listing("dynamodb", "list_tables", "TableNames", ""),
    "roles": _roles,
    "instance profiles": _profiles,
    "compute environments": _listing(
        "batch",
        "describe_compute_environments",
        "computeEnvironments",
        "computeEnvironmentName",
    ),
    "job queues": _job_queues,
    "scheduling policies": _listing(
        "batch", "list_scheduling_policies", "schedulingPolicies", "arn"
    ),
    "job definitions": _definitions,
    "images": _images,
    "functions": _listing("lambda", "list_functions", "Functions", "FunctionName"),
    "statements": _statements,
    "mappings": _mappings,
    "event rules": _event_rules,
    "asynchronous invocations": _async_invocations,
    "load balancers": _listing(
        "elbv2", "describe_load_balancers", "LoadBalancers", "LoadBalancerName"
    ),
    "listeners": _listeners,
    "target groups": _target_groups,
    "rest apis": _rest_apis,
    "log groups": lambda account: log_groups(account.client),
    "launch templates": _listing(
        "ec2", "describe_launch_templates", "LaunchTemplates", "LaunchTemplateName"
    ),
    "security groups": _security_groups,
}
