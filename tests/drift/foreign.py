"""Other hands take a resource over: it has its name and its id, and another stack's mark."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from built import Application

THEIRS = {"batchctl:stack": "theirs"}
AS_LIST: Any = [{"Key": key, "Value": value} for key, value in THEIRS.items()]
Take = Callable[[Any, Any], object]


def _api_arn(path: str) -> str:
    return f"arn:aws:apigateway:us-east-1::/restapis/{path}"


def _revisions(batch: Any, name: str) -> None:
    for each in batch.describe_job_definitions(jobDefinitionName=name)["jobDefinitions"]:
        batch.tag_resource(resourceArn=each["jobDefinitionArn"], tags=THEIRS)


def _elbv2(client: Any, outputs: Any) -> object:
    return client("elbv2").add_tags(ResourceArns=[outputs.arn], Tags=AS_LIST)


def _batch(client: Any, outputs: Any) -> object:
    return client("batch").tag_resource(resourceArn=outputs.arn, tags=THEIRS)


def _ec2(client: Any, outputs: Any) -> object:
    return client("ec2").create_tags(Resources=[outputs.id], Tags=AS_LIST)


# How each kind that has tags is given another stack's.
TAKE: Mapping[str, Take] = {
    "queue": lambda client, o: client("sqs").tag_queue(QueueUrl=o.url, Tags=THEIRS),
    "table": lambda client, o: client("dynamodb").tag_resource(ResourceArn=o.arn, Tags=AS_LIST),
    "role": lambda client, o: client("iam").tag_role(RoleName=o.id, Tags=AS_LIST),
    "instance_profile": lambda client, o: client("iam").tag_instance_profile(
        InstanceProfileName=o.id, Tags=AS_LIST
    ),
    "log_group": lambda client, o: client("logs").tag_resource(resourceArn=o.arn, tags=THEIRS),
    "function": lambda client, o: client("lambda").tag_resource(Resource=o.arn, Tags=THEIRS),
    "event_rule": lambda client, o: client("events").tag_resource(ResourceARN=o.arn, Tags=AS_LIST),
    "repository": lambda client, o: client("ecr").tag_resource(resourceArn=o.arn, tags=AS_LIST),
    "rest_api": lambda client, o: client("apigateway").tag_resource(
        resourceArn=_api_arn(o.id), tags=THEIRS
    ),
    "stage": lambda client, o: client("apigateway").tag_resource(
        resourceArn=_api_arn(f"{o.rest_api_id}/stages/{o.id}"), tags=THEIRS
    ),
    "job_definition": lambda client, o: _revisions(client("batch"), o.id),
    "compute_environment": _batch,
    "job_queue": _batch,
    "scheduling_policy": _batch,
    "launch_template": _ec2,
    "security_group": _ec2,
    "load_balancer": _elbv2,
    "listener": _elbv2,
    "listener_rule": _elbv2,
    "target_group": _elbv2,
}
# What has no tags, and whose they are instead.
BELONGS_TO = {
    "image": "repository",
    "permission": "function",
    "async_invocation": "function",
    "event_source_mapping": "function",
    "target": "target_group",
    "api_deployment": "rest_api",
    "web_acl_association": "stage",
}


def take_over(application: Application, address: str) -> None:
    """Give a resource, as the state knows it, the mark of another stack."""
    TAKE[address.partition(".")[0]](application.client, application.outputs(address))


def taken_addresses(application: Application) -> list[str]:
    """The recorded resources that have tags."""
    return [a for a in application.state.state.resources if a.partition(".")[0] in TAKE]
