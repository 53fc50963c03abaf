"""Every policy that the stack makes, as AWS has it after an `up` of moto's."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from default_vpc import make_default_vpc_public
from fake_recipe import UnbuiltFolder
from moto import mock_aws

from batchctl.aws.clock import Clock
from batchctl.aws.session import Aws, Connection
from batchctl.config import Config
from batchctl.engine.apply import apply
from batchctl.engine.events import ignore
from batchctl.engine.plan import make_plan
from batchctl.engine.state import StateFile, StateIdentity
from batchctl.image.recipe import platform_of
from batchctl.packaging import compute_directory, function_package
from batchctl.stack import build


@dataclass(frozen=True)
class Policy:
    """A document: `kind` is what it is for (`identity`, `trust`, `resource`), `name` whose."""

    kind: str
    name: str
    document: Mapping[str, Any]


def made_policies(folder: Path, region: str, config: Config) -> list[Policy]:
    """Bring the application about in an account of its own and return all its policies."""
    moto: Any = {
        "batch": {"use_docker": False},
        "lambda": {"use_docker": False},
        "iam": {"load_aws_managed_policies": True},
    }
    with mock_aws(config=moto):
        session = boto3.Session(
            aws_access_key_id="testing", aws_secret_access_key="testing", region_name=region
        )
        now = [0.0]
        clock = Clock(now=lambda: now[0], sleep=lambda _stop, s: now.__setitem__(0, now[0] + s))
        aws = Aws(Connection(session), stack=config.name, tags=config.tags, clock=clock)
        make_default_vpc_public(aws.connection.client("ec2"))
        _up(folder, aws, config)
        return [*_of_roles(session), *_of_queues(session), *_of_functions(session)]


def _up(folder: Path, aws: Aws, config: Config) -> None:
    compute = config.compute
    recipe = UnbuiltFolder(
        compute_directory(), platform_of(compute.architecture), compute.base_image
    )
    stack = build(config, image=compute.image or recipe, package=function_package())
    state = StateFile.load(folder / "state.json", StateIdentity(aws.stack, aws.account, aws.region))
    result = apply(stack, make_plan(stack, state.state, aws), state, aws, ignore)
    assert result.succeeded, result.outcome.failed


def _of_roles(session: boto3.Session) -> Iterator[Policy]:
    iam = session.client("iam")
    for role in iam.list_roles()["Roles"]:
        name = role["RoleName"]
        if role["Path"].startswith("/aws-service-role/"):
            continue
        trust: Any = role["AssumeRolePolicyDocument"]
        yield Policy("trust", name, trust)
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            document: Any = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            yield Policy("identity", name, document)


def _of_queues(session: boto3.Session) -> Iterator[Policy]:
    sqs = session.client("sqs")
    for url in sqs.list_queues().get("QueueUrls", []):
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])
        if text := found.get("Attributes", {}).get("Policy"):
            yield Policy("resource", url.rpartition("/")[2], json.loads(text))


def _of_functions(session: boto3.Session) -> Iterator[Policy]:
    functions = session.client("lambda")
    for function in functions.list_functions()["Functions"]:
        name = function["FunctionName"]
        try:
            text = functions.get_policy(FunctionName=name)["Policy"]
        except functions.exceptions.ResourceNotFoundException:
            continue
        # Lambda spells it so. IAM doesn't mind the case of a key, the validator does.
        yield Policy("resource", name, json.loads(text.replace("AWS:Source", "aws:Source")))
