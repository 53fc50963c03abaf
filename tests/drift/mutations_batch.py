"""What other hands can change of AWS Batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from built import Application
from hypothesis import strategies as st
from mutation import Mutation, Values, other, tag


def _compute_environment(address: str) -> Sequence[Mutation]:
    def update(application: Application, environment: Any, parameters: Mapping[str, Any]) -> None:
        application.client("batch").update_compute_environment(
            computeEnvironment=environment.arn, **parameters
        )

    def member(name: str, values: Values) -> Mutation:
        def change(application: Application, environment: Any, value: Any) -> None:
            update(application, environment, {"computeResources": {name: value}})

        return Mutation(address, f"computeResources.{name}", change, values)

    def state(application: Application, environment: Any, value: Any) -> None:
        update(application, environment, {"state": value})

    def instance_tags(application: Application, environment: Any, value: Any) -> None:
        tags = {"batchctl:stack": "batchapp", "team": "quant", **value}
        update(application, environment, {"computeResources": {"tags": tags}})

    def template_version(application: Application, environment: Any, value: Any) -> None:
        template = application.outputs("launch_template.compute").id
        specification = {"launchTemplateId": template, "version": value}
        update(application, environment, {"computeResources": {"launchTemplate": specification}})

    return (
        Mutation(address, "state", state, other("DISABLED")),
        member("minvCpus", st.integers(1, 128)),
        member("maxvCpus", st.integers(1, 127)),
        member("instanceTypes", other(["c5"], ["m5.large", "c5"])),
        member("subnets", other(["subnet-0123456789abcdef0"])),
        member("securityGroupIds", other(["sg-0123456789abcdef0"])),
        member("instanceRole", other("arn:aws:iam::123456789012:instance-profile/other")),
        Mutation(
            address,
            "computeResources.launchTemplate.version",
            template_version,
            other("7", "$Latest"),
        ),
        member("allocationStrategy", other("BEST_FIT")),
        member("ec2KeyPair", other("a-colleagues")),
        member("imageId", other("ami-0123456789abcdef0")),
        member("ec2Configuration", other([{"imageType": "ECS_AL2"}])),
        Mutation(address, "computeResources.tags.Name", instance_tags, other({}, {"Name": "x"})),
        tag(address, _tag_batch),
    )


def _tag_batch(application: Application, outputs: Any, tags: Mapping[str, str]) -> None:
    application.client("batch").tag_resource(resourceArn=outputs.arn, tags=tags)


def _job_queue() -> Sequence[Mutation]:
    def update(application: Application, queue: Any, parameters: Mapping[str, Any]) -> None:
        application.client("batch").update_job_queue(jobQueue=queue.arn, **parameters)

    def order(application: Application, queue: Any, value: Sequence[str]) -> None:
        environments = [application.outputs(f"compute_environment.{each}").arn for each in value]
        order = [
            {"order": number, "computeEnvironment": arn} for number, arn in enumerate(environments)
        ]
        update(application, queue, {"computeEnvironmentOrder": order})

    address = "job_queue.compute"
    orders = other(("on_demand", "spot"), ("spot",), ("on_demand",))
    return (
        Mutation(address, "state", lambda a, q, v: update(a, q, {"state": v}), other("DISABLED")),
        Mutation(
            address, "priority", lambda a, q, v: update(a, q, {"priority": v}), st.integers(2, 99)
        ),
        Mutation(address, "computeEnvironmentOrder", order, orders),
        Mutation(
            address,
            "schedulingPolicyArn",
            lambda a, q, v: update(a, q, {"schedulingPolicyArn": v}),
            other("arn:aws:batch:us-east-1:123456789012:scheduling-policy/theirs"),
        ),
        tag(address, _tag_batch),
    )


def _scheduling_policy() -> Sequence[Mutation]:
    address = "scheduling_policy.compute"

    def member(name: str, values: Values) -> Mutation:
        def change(application: Application, policy: Any, value: Any) -> None:
            batch = application.client("batch")
            found = batch.describe_scheduling_policies(arns=[policy.arn])["schedulingPolicies"][0]
            fair_share = {**found["fairsharePolicy"], name: value}
            batch.update_scheduling_policy(arn=policy.arn, fairsharePolicy=fair_share)

        return Mutation(address, f"fairsharePolicy.{name}", change, values)

    return (
        member("shareDecaySeconds", st.integers(601, 604_800)),
        member("computeReservation", st.integers(1, 99)),
        member("shareDistribution", other([{"shareIdentifier": "desk", "weightFactor": 0.5}])),
        tag(address, _tag_batch),
    )


# Whoever changes a job definition registers another revision, from which nothing is changed but
# one member. Batch's extras in the answer aren't parameters.
_DEFINITION = (
    "jobDefinitionName",
    "type",
    "retryStrategy",
    "containerProperties",
    "timeout",
    "tags",
    "propagateTags",
    "platformCapabilities",
)


def _tag_latest_revision(
    application: Application, definition: Any, tags: Mapping[str, str]
) -> None:
    """Tag the revision that counts: other hands may have registered another one."""
    batch = application.client("batch")
    latest = max(
        batch.describe_job_definitions(jobDefinitionName=definition.id, status="ACTIVE")[
            "jobDefinitions"
        ],
        key=lambda each: int(each["revision"]),
    )
    batch.tag_resource(resourceArn=latest["jobDefinitionArn"], tags=tags)


def _job_definition() -> Sequence[Mutation]:
    address = "job_definition.compute"

    def member(path: str, values: Values) -> Mutation:
        def change(application: Application, definition: Any, value: Any) -> None:
            batch = application.client("batch")
            found = batch.describe_job_definitions(
                jobDefinitionName=definition.id, status="ACTIVE"
            )["jobDefinitions"]
            latest = max(found, key=lambda each: int(each["revision"]))
            revision = {key: latest[key] for key in _DEFINITION if key in latest}
            *above, last = path.split(".")
            inside = revision
            for key in above:
                inside = inside[key]
            inside[last] = value
            batch.register_job_definition(**revision)

        return Mutation(address, path, change, values)

    environment = [{"name": "BATCHCTL_TABLE", "value": "other"}]
    requirements = [{"type": "MEMORY", "value": "64"}, {"type": "VCPU", "value": "1"}]
    return (
        member("timeout.attemptDurationSeconds", st.integers(60, 86_400)),
        member("retryStrategy.attempts", st.integers(1, 9)),
        member(
            "retryStrategy.evaluateOnExit", other([{"onReason": "OutOfMemory*", "action": "RETRY"}])
        ),
        member("containerProperties.image", other("registry.example/other:1", "x:2")),
        member("containerProperties.command", other(["true"], ["python", "other.py"])),
        member("containerProperties.user", other("root", "0:0")),
        member("containerProperties.jobRoleArn", other("arn:aws:iam::123456789012:role/other")),
        member("containerProperties.environment", other(environment, [])),
        member("containerProperties.resourceRequirements", other(requirements)),
        member("containerProperties.logConfiguration.logDriver", other("json-file")),
        member("containerProperties.enableExecuteCommand", st.just(value=True)),
        Mutation(
            address,
            "containerProperties.linuxParameters.devices",
            member("containerProperties.linuxParameters", st.none()).change,
            other({"devices": [{"hostPath": "/dev/sda"}]}),
        ),
        member("containerProperties.readonlyRootFilesystem", st.just(value=True)),
        member(
            "containerProperties.ulimits",
            other([{"name": "nofile", "hardLimit": 4, "softLimit": 4}]),
        ),
        tag(address, _tag_latest_revision),
    )


def _launch_template() -> Sequence[Mutation]:
    """Nobody can change a version: which one is used is the environments'."""

    def write_tags(application: Application, template: Any, tags: Mapping[str, str]) -> None:
        application.client("ec2").create_tags(
            Resources=[template.id], Tags=[{"Key": k, "Value": v} for k, v in tags.items()]
        )

    return (tag("launch_template.compute", write_tags),)


BATCH: tuple[Mutation, ...] = (
    *_launch_template(),
    *_compute_environment("compute_environment.spot"),
    *_compute_environment("compute_environment.on_demand"),
    *_job_queue(),
    *_scheduling_policy(),
    *_job_definition(),
)
