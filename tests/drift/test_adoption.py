"""A lost state costs nothing: what is ours is adopted, what is somebody else's stays untouched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import witness
from built import Application

from batchctl.engine.plan import make_plan
from batchctl.resource import NotOwned, Resource

Make = Callable[[Application], object]


def test_without_its_state_everything_is_adopted_and_nothing_is_created(
    account_in_memory: Application,
) -> None:
    application = account_in_memory
    application.up()
    as_built = witness.seen(application.client)
    lost = application.without_state()
    plan = lost.plan()
    assert plan.changes == ()
    adopted = {step.address for step in plan.steps if step.adopted}
    assert adopted == set(application.state.state.resources) - {"service_linked_role.batch"}
    writes = len(lost.writes)
    assert lost.up() == []
    assert lost.writes[writes:] == []
    assert witness.seen(lost.client) == as_built
    assert lost.state.state.resources == application.state.state.resources


def test_drift_is_repaired_while_a_lost_state_is_rebuilt(
    account_in_memory: Application,
) -> None:
    application = account_in_memory
    application.up()
    as_built = witness.seen(application.client)
    application.client("logs").put_retention_policy(
        logGroupName="/aws/lambda/batchapp-JobAPI", retentionInDays=1
    )
    lost = application.without_state()
    assert {step.address for step in lost.plan().changes} == {"log_group.api"}
    assert [step.address for step in lost.up()] == ["log_group.api"]
    assert witness.seen(lost.client) == as_built
    assert not lost.down().failed
    assert set(witness.inventory(lost.client)["roles"]) <= {"AWSServiceRoleForbatch"}


TRUST = '{"Version": "2012-10-17", "Statement": []}'


def _role(application: Application) -> None:
    application.client("iam").create_role(RoleName="batchapp-job", AssumeRolePolicyDocument=TRUST)


def _table(application: Application) -> None:
    application.client("dynamodb").create_table(
        TableName="batchapp-jobs",
        KeySchema=[{"AttributeName": "x", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "x", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


def _function(application: Application) -> None:
    arn = application.client("iam").create_role(
        RoleName="somebody", AssumeRolePolicyDocument=TRUST
    )["Role"]["Arn"]
    application.client("lambda").create_function(
        FunctionName="batchapp-JobAPI",
        Runtime="python3.13",
        Role=arn,
        Handler="x.y",
        Code={"ZipFile": b"PK\x05\x06" + bytes(18)},
    )


def _security_group(application: Application) -> None:
    application.client("ec2").create_security_group(
        GroupName="batchapp-compute", Description="somebody's"
    )


def _load_balancer(application: Application) -> None:
    subnets = application.client("ec2").describe_subnets()["Subnets"]
    application.client("elbv2").create_load_balancer(
        Name="batchapp-api", Subnets=[each["SubnetId"] for each in subnets]
    )


def _environment(application: Application) -> None:
    application.client("iam").create_service_linked_role(AWSServiceName="batch.amazonaws.com")
    (role,) = application.client("iam").list_roles()["Roles"]
    application.client("batch").create_compute_environment(
        computeEnvironmentName="batchapp-spot", type="UNMANAGED", serviceRole=role["Arn"]
    )


def _job_queue(application: Application) -> None:
    _environment(application)
    batch = application.client("batch")
    (environment,) = batch.describe_compute_environments()["computeEnvironments"]
    arn = environment["computeEnvironmentArn"]
    tags = {"batchctl:stack": "batchapp"}
    batch.tag_resource(resourceArn=arn, tags=tags)
    batch.create_job_queue(
        jobQueueName="batchapp-compute",
        priority=1,
        state="ENABLED",
        computeEnvironmentOrder=[{"order": 1, "computeEnvironment": arn}],
    )


def _definition(application: Application) -> None:
    application.client("batch").register_job_definition(
        jobDefinitionName="batchapp-compute",
        type="container",
        containerProperties={"image": "x", "vcpus": 1, "memory": 4, "command": ["x"]},
    )


# For each kind that has a unique name: the address, and how somebody else comes to have that name.
FOREIGN: Mapping[str, tuple[str, Make]] = {
    "queue": (
        "queue.jobs",
        lambda application: application.client("sqs").create_queue(QueueName="batchapp-jobs"),
    ),
    "table": ("table.jobs", _table),
    "role": ("role.job", _role),
    "instance_profile": (
        "instance_profile.instance",
        lambda application: application.client("iam").create_instance_profile(
            InstanceProfileName="batchapp-instance"
        ),
    ),
    "log_group": (
        "log_group.api",
        lambda application: application.client("logs").create_log_group(
            logGroupName="/aws/lambda/batchapp-JobAPI"
        ),
    ),
    "security_group": ("security_group.compute", _security_group),
    "launch_template": (
        "launch_template.compute",
        lambda application: application.client("ec2").create_launch_template(
            LaunchTemplateName="batchapp-compute", LaunchTemplateData={"EbsOptimized": True}
        ),
    ),
    "compute_environment": ("compute_environment.spot", _environment),
    "job_queue": ("job_queue.compute", _job_queue),
    "scheduling_policy": (
        "scheduling_policy.compute",
        lambda application: application.client("batch").create_scheduling_policy(
            name="batchapp-fair-share", fairsharePolicy={"shareDecaySeconds": 60}
        ),
    ),
    "job_definition": ("job_definition.compute", _definition),
    "repository": (
        "repository.compute",
        lambda application: application.client("ecr").create_repository(
            repositoryName="batchapp-compute"
        ),
    ),
    "function": ("function.api", _function),
    "event_rule": (
        "event_rule.job_events",
        lambda application: application.client("events").put_rule(
            Name="batchapp-job-events", EventPattern='{"source": ["theirs"]}'
        ),
    ),
    "load_balancer": ("load_balancer.api", _load_balancer),
    "target_group": (
        "target_group.api",
        lambda application: application.client("elbv2").create_target_group(
            Name="batchapp-api", TargetType="lambda"
        ),
    ),
}
# Known by what they belong to, which is ours: no name of theirs can be somebody else's.
NAMELESS = {
    "image",
    "event_source_mapping",
    "async_invocation",
    "permission",
    "target",
    "listener",
    "listener_rule",
    "api_deployment",
    "stage",
    "web_acl_association",
}
# Names that aren't unique, where ours are known by their tag; and the account's one role for logs.
UNTAKEN = {"rest_api", "api_logging", "network", "service_linked_role"}


@pytest.mark.parametrize("kind", FOREIGN)
def test_what_has_our_name_without_our_tag_is_named_and_left_untouched(
    account_in_memory: Application, kind: str
) -> None:
    application = account_in_memory
    address, make = FOREIGN[kind]
    make(application)
    before: dict[str, Any] = witness.seen(application.client)
    plan = make_plan(application.stack, application.state.state, application.aws)
    error = plan.outcome.failed[address]
    assert isinstance(error, NotOwned)
    assert "batchctl:stack=batchapp" in error.message
    assert "batchapp" in error.message.split("exists")[0]
    assert witness.seen(application.client) == before


def test_every_kind_with_a_unique_name_is_tried() -> None:
    ours = {
        kind for kind, each in Resource.kinds.items() if each.__module__.startswith("batchctl.")
    }
    assert set(FOREIGN) | NAMELESS == ours - UNTAKEN
