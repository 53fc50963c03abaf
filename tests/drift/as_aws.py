"""What AWS takes and moto forgets: settings that can be changed, which moto's updates ignore.

Sources: AWS Batch API Reference, UpdateComputeEnvironment and ComputeResource (`default_arm64`
among the instance types); Lambda API Reference, UpdateFunctionConfiguration, UpdateFunctionCode
and UpdateEventSourceMapping.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from moto.awslambda.models import LambdaBackend, LambdaFunction
from moto.batch.models import BatchBackend
from moto.dynamodb.models import DynamoDBBackend
from moto.ec2.models.instance_types import INSTANCE_FAMILIES
from moto.ec2.models.launch_templates import LaunchTemplateBackend
from one_load_balancer import target_groups_have_one_load_balancer

UPDATE_ENVIRONMENT = BatchBackend.update_compute_environment
DESCRIBE_TEMPLATES = LaunchTemplateBackend.describe_launch_templates
TAG_TABLE = DynamoDBBackend.tag_resource
GRAVITON = "default_arm64"
MIN_INSTANCES = BatchBackend.find_min_instances_to_meet_vcpus
UPDATE_MAPPING = LambdaBackend.update_event_source_mapping
UPDATE_CODE = LambdaFunction.update_function_code
UPDATE_CONFIGURATION = LambdaFunction.update_configuration
GET_CONFIGURATION = LambdaFunction.get_configuration


@contextmanager
def updates_as_aws_takes_them() -> Iterator[None]:
    """Let moto's compute environments and functions take the updates that AWS's take.

    And let its target groups have one load balancer, or none when their rules are gone.
    """
    with ExitStack() as patches:
        patches.enter_context(target_groups_have_one_load_balancer())
        families = [*INSTANCE_FAMILIES, GRAVITON]
        patches.enter_context(patch("moto.batch.models.EC2_INSTANCE_FAMILIES", families))
        for owner, name, replacement in (
            (BatchBackend, "update_compute_environment", _update_environment),
            (BatchBackend, "find_min_instances_to_meet_vcpus", staticmethod(_min_instances)),
            (LambdaBackend, "update_event_source_mapping", _update_mapping),
            (DynamoDBBackend, "tag_resource", _tag_table),
            (LaunchTemplateBackend, "describe_launch_templates", _describe_templates),
            (LambdaFunction, "update_function_code", _update_code),
            (LambdaFunction, "update_configuration", _update_configuration),
            (LambdaFunction, "get_configuration", _get_configuration),
        ):
            patches.enter_context(patch.object(owner, name, replacement))
        yield


def _update_environment(backend: Any, **parameters: Any) -> Any:
    """Take new members of computeResources."""
    answer = UPDATE_ENVIRONMENT(backend, **parameters)
    found = backend.get_compute_environment(parameters["compute_environment_name"])
    found.compute_resources.update(parameters["compute_resources"] or {})
    return answer


def _min_instances(instance_types: list[str], target: float) -> list[str]:
    """Start instances of some family where Batch chooses one."""
    return MIN_INSTANCES(["m6g" if each == GRAVITON else each for each in instance_types], target)


def _update_mapping(backend: Any, uuid: str, spec: dict[str, Any]) -> Any:
    """Forget filters and limits that were taken away; moto would show them, empty."""
    mapping = UPDATE_MAPPING(backend, uuid, spec)
    if mapping is not None:
        filters = mapping.filter_criteria or {}
        mapping.filter_criteria = filters if filters.get("Filters") else None
        mapping.scaling_config = mapping.scaling_config or None
    return mapping


def _describe_templates(backend: Any, *arguments: Any, **keywords: Any) -> Any:
    """Show the tags of launch templates as they are; moto shows those of their creation."""
    found = DESCRIBE_TEMPLATES(backend, *arguments, **keywords)
    for template in found:
        template.tags = template.get_tags()
    return found


def _tag_table(backend: Any, table_arn: str, tags: dict[str, str]) -> None:
    """Give a tag another value; moto would keep both, and show ten."""
    backend.untag_resource(table_arn, list(tags))
    TAG_TABLE(backend, table_arn, tags)


def _update_code(function: Any, spec: dict[str, Any]) -> Any:
    function.architectures = spec.get("Architectures") or function.architectures
    return UPDATE_CODE(function, spec)


def _update_configuration(function: Any, updates: dict[str, Any]) -> Any:
    function.tracing_config = updates.get("TracingConfig") or function.tracing_config
    if "LoggingConfig" in updates:
        function.logging_config = {"LogFormat": "Text", **updates["LoggingConfig"]}
    return UPDATE_CONFIGURATION(function, updates)


def _get_configuration(function: Any, *arguments: Any, **keywords: Any) -> Any:
    found = GET_CONFIGURATION(function, *arguments, **keywords)
    default = {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{found['FunctionName']}"}
    return {**found, "LoggingConfig": getattr(function, "logging_config", None) or default}
