"""How somebody else comes to have a name that a stack wants, for each kind with unique names."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from built import Application

Make = Callable[[Application], object]

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
