"""What of a stack is still in an account: by tag, and by name where nothing is found by tags.

Asked of AWS by boto3 alone, so that nothing of batchctl's own can hide anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import boto3
from botocore.exceptions import BotoCoreError, ClientError

STACK_TAG: Final = "batchctl:stack"
# Operations that list what can be named after a stack; with the place of the names in the answer.
_LISTS: Final = (
    ("sqs", "list_queues", "QueueUrls", None),
    ("dynamodb", "list_tables", "TableNames", None),
    ("lambda", "list_functions", "Functions", "FunctionName"),
    ("lambda", "list_event_source_mappings", "EventSourceMappings", "FunctionArn"),
    ("iam", "list_roles", "Roles", "RoleName"),
    ("iam", "list_instance_profiles", "InstanceProfiles", "InstanceProfileName"),
    ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    ("ecr", "describe_repositories", "repositories", "repositoryName"),
    ("batch", "describe_job_queues", "jobQueues", "jobQueueName"),
    ("batch", "describe_compute_environments", "computeEnvironments", "computeEnvironmentName"),
    ("batch", "list_scheduling_policies", "schedulingPolicies", "arn"),
    ("elbv2", "describe_load_balancers", "LoadBalancers", "LoadBalancerName"),
    ("elbv2", "describe_target_groups", "TargetGroups", "TargetGroupName"),
    ("apigateway", "get_rest_apis", "items", "name"),
    ("events", "list_rules", "Rules", "Name"),
    ("ec2", "describe_security_groups", "SecurityGroups", "GroupName"),
    ("ec2", "describe_launch_templates", "LaunchTemplates", "LaunchTemplateName"),
)
# Nothing runs by it and it costs nothing: deregistered ones are shown for 180 days.
_REVISIONS: Final = ("batch", "describe_job_definitions", "jobDefinitions", "jobDefinitionArn")
# GetResources shows what is gone for hours (aws/aws-sdk issue 676, boto/boto3 issue 3341): it
# counts only for what no list of names has, and what can be asked for by its ARN is.
_LISTED: Final = frozenset({"batch", "execute-api", *(each[0] for each in _LISTS)})


def orphans(
    session: boto3.Session, stack: str, endpoint: str | None
) -> tuple[list[str], list[str]]:
    """Return what is left of the stack, and what could not be asked and why."""
    left: list[str] = []
    unasked: list[str] = []
    for what, ask in _questions(session, stack, endpoint):
        try:
            left.extend(ask())
        except (ClientError, BotoCoreError) as error:
            unasked.append(f"{what}: {error}")
    return sorted(set(left)), unasked


def _questions(
    session: boto3.Session, stack: str, endpoint: str | None
) -> Iterator[tuple[str, Callable[[], list[str]]]]:
    def client(service: str) -> Any:
        return session.client(service, endpoint_url=endpoint)  # type: ignore[call-overload]

    def by_tag() -> list[str]:
        pages = (
            client("resourcegroupstaggingapi")
            .get_paginator("get_resources")
            .paginate(TagFilters=[{"Key": STACK_TAG, "Values": [stack]}])
        )
        arns = [each["ResourceARN"] for page in pages for each in page["ResourceTagMappingList"]]
        return [arn for arn in arns if _is_there(client, arn)]

    yield "resourcegroupstaggingapi.GetResources", by_tag

    def by_name(service: str, operation: str, member: str, key: str | None) -> list[str]:
        return [n for n in _names(client(service), operation, member, key) if f"{stack}-" in n]

    for each in _LISTS:
        yield f"{each[0]}.{each[1]}", partial(by_name, *each)

    def active() -> list[str]:
        service, operation, member, _ = _REVISIONS
        answer = getattr(client(service), operation)(status="ACTIVE")
        return [
            each["jobDefinitionArn"]
            for each in answer[member]
            if each["jobDefinitionName"].startswith(f"{stack}-")
        ]

    yield "batch.describe_job_definitions", active


def _is_there(client: Callable[[str], Any], arn: str) -> bool:
    """Whether something that GetResources shows is still there, as far as no list of names says."""
    service = arn.split(":")[2]
    if service != "elasticloadbalancing":
        return service not in _LISTED
    try:
        client("elbv2").describe_tags(ResourceArns=[arn])
    except ClientError as error:
        return not error.response["Error"]["Code"].endswith("NotFound")
    return True


def _names(client: Any, operation: str, member: str, key: str | None) -> Iterator[str]:
    pages = (
        client.get_paginator(operation).paginate()
        if client.can_paginate(operation)
        else [getattr(client, operation)()]
    )
    for page in pages:
        for each in page.get(member, ()):
            name = each if key is None else each.get(key, "")
            yield f"{client.meta.service_model.service_name}: {name}"
