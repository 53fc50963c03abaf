"""The witness: what boto3 itself says of everything that the application has in the account.

Nothing of batchctl is asked. What changes with every call (times, revisions) is left out, and
lists are in one order, as AWS gives them in any.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Client = Callable[[str], Any]
PASSING = frozenset(
    {
        "ResponseMetadata",
        "LastModified",
        "LastModifiedTimestamp",
        "RevisionId",
        "LastUpdateToPayPerRequestDateTime",
        "RoleLastUsed",
        "CreateDate",
        "revision",
        "jobDefinitionArn",
        "Version",
        "ProvisionedThroughput",
        "PointInTimeRecoveryDescription",
        "createdAt",
        "imagePushedAt",
    }
)


def seen(client: Client) -> dict[str, Any]:
    """Return everything that boto3 finds, by service, in one order."""
    return dict(_found(client))


def has_changed(client: Client, before: Mapping[str, Any]) -> bool:
    """Whether boto3 finds anything else than `before`; services are asked until one does."""
    return any(found != before[name] for name, found in _found(client))


def _found(client: Client) -> Iterator[tuple[str, Any]]:
    witnesses = {
        "sqs": _queues,
        "dynamodb": _tables,
        "iam": _roles,
        "batch": _batch,
        "ecr": _repositories,
        "lambda": _functions,
        "elbv2": _load_balancing,
        "apigateway": _rest_apis,
        "logs": _log_groups,
        "events": _rules,
        "ec2": _of_instances,
    }
    for name, witness in witnesses.items():
        yield name, _ordered(witness(client(name)))


def _ordered(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _ordered(each) for key, each in value.items() if key not in PASSING}
    if isinstance(value, list) and value and all("Key" in each for each in value):
        return {each["Key"]: each["Value"] for each in value}
    if isinstance(value, list | tuple):
        return sorted(map(_ordered, value), key=lambda each: json.dumps(each, default=str))
    return value


def _queues(sqs: Any) -> Any:
    return {
        url: (
            sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"],
            sqs.list_queue_tags(QueueUrl=url).get("Tags"),
        )
        for url in sqs.list_queues().get("QueueUrls", [])
    }


def _tables(dynamodb: Any) -> Any:
    def table(name: str) -> Any:
        found = dynamodb.describe_table(TableName=name)["Table"]
        backups = dynamodb.describe_continuous_backups(TableName=name)
        recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        tags = dynamodb.list_tags_of_resource(ResourceArn=found["TableArn"])["Tags"]
        # Attribute definitions that no key needs are left behind, and mean nothing.
        del found["AttributeDefinitions"]
        expiry = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        return (
            found,
            recovery["PointInTimeRecoveryStatus"],
            expiry["TimeToLiveStatus"],
            tags,
            _table_policy(dynamodb, found["TableArn"]),
        )

    return {name: table(name) for name in dynamodb.list_tables()["TableNames"]}


def _table_policy(dynamodb: Any, arn: str) -> Any:
    try:
        return json.loads(dynamodb.get_resource_policy(ResourceArn=arn)["Policy"])
    except dynamodb.exceptions.PolicyNotFoundException:
        return None


def _roles(iam: Any) -> Any:
    def role(name: str) -> Any:
        inline = iam.list_role_policies(RoleName=name)["PolicyNames"]
        return (
            iam.get_role(RoleName=name)["Role"],
            [iam.get_role_policy(RoleName=name, PolicyName=each) for each in inline],
            iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"],
        )

    profiles = iam.list_instance_profiles()["InstanceProfiles"]
    names = [profile["InstanceProfileName"] for profile in profiles]
    return {
        "roles": [role(each["RoleName"]) for each in iam.list_roles()["Roles"]],
        "profiles": [iam.get_instance_profile(InstanceProfileName=name) for name in names],
    }


def _batch(batch: Any) -> Any:
    definitions = batch.describe_job_definitions(status="ACTIVE")["jobDefinitions"]
    return {
        "environments": [
            {**each, "computeResources": _said(each.get("computeResources", {}))}
            for each in batch.describe_compute_environments()["computeEnvironments"]
        ],
        # The order of the environments is that of their numbers, which may begin at 0 or 1.
        "queues": [
            {**each, "computeEnvironmentOrder": _environments(each)}
            for each in batch.describe_job_queues()["jobQueues"]
        ],
        "policies": batch.describe_scheduling_policies(arns=_policy_arns(batch))[
            "schedulingPolicies"
        ],
        "definition": max(definitions, key=lambda each: int(each["revision"]), default=None),
    }


def _said(resources: Mapping[str, Any]) -> Any:
    """Return what says something: an empty text is what removes a key pair or image."""
    return {key: value for key, value in resources.items() if value != ""}


def _policy_arns(batch: Any) -> list[str]:
    return [each["arn"] for each in batch.list_scheduling_policies()["schedulingPolicies"]]


def _environments(queue: Mapping[str, Any]) -> str:
    order = sorted(queue["computeEnvironmentOrder"], key=lambda each: int(each["order"]))
    return " ".join(each["computeEnvironment"] for each in order)


def _repositories(ecr: Any) -> Any:
    def repository(found: Any) -> Any:
        name, arn = found["repositoryName"], found["repositoryArn"]
        tags = ecr.list_tags_for_resource(resourceArn=arn)["tags"]
        images = ecr.describe_images(repositoryName=name)["imageDetails"]
        return found, _lifecycle_policy(ecr, name), _repository_policy(ecr, name), tags, images

    return [repository(each) for each in ecr.describe_repositories()["repositories"]]


def _repository_policy(ecr: Any, name: str) -> Any:
    try:
        return json.loads(ecr.get_repository_policy(repositoryName=name)["policyText"])
    except ecr.exceptions.RepositoryPolicyNotFoundException:
        return None


def _lifecycle_policy(ecr: Any, name: str) -> Any:
    try:
        return json.loads(ecr.get_lifecycle_policy(repositoryName=name)["lifecyclePolicyText"])
    except ecr.exceptions.LifecyclePolicyNotFoundException:
        return None


def _functions(awslambda: Any) -> Any:
    functions = [each["FunctionName"] for each in awslambda.list_functions()["Functions"]]
    found = {name: awslambda.get_function(FunctionName=name) for name in functions}
    return {
        "functions": [(each["Configuration"], each.get("Tags")) for each in found.values()],
        "concurrency": {name: each.get("Concurrency") for name, each in found.items()},
        "policies": [_policy(awslambda, name) for name in functions],
        "asynchronous": _async_invocations(awslambda),
        "mappings": awslambda.list_event_source_mappings()["EventSourceMappings"],
    }


def _policy(awslambda: Any, name: str) -> Any:
    try:
        return json.loads(awslambda.get_policy(FunctionName=name)["Policy"])["Statement"]
    except awslambda.exceptions.ResourceNotFoundException:
        return []


def _load_balancing(elbv2: Any) -> Any:
    balancers = elbv2.describe_load_balancers()["LoadBalancers"]
    groups = elbv2.describe_target_groups()["TargetGroups"]
    arns = [each["LoadBalancerArn"] for each in balancers]
    listeners = [
        listener
        for arn in arns
        for listener in elbv2.describe_listeners(LoadBalancerArn=arn)["Listeners"]
    ]
    rules = [
        rule
        for each in listeners
        for rule in elbv2.describe_rules(ListenerArn=each["ListenerArn"])["Rules"]
    ]
    tagged = [
        *arns,
        *(each["TargetGroupArn"] for each in groups),
        *(each["ListenerArn"] for each in listeners),
        *(each["RuleArn"] for each in rules if not each["IsDefault"]),
    ]
    return {
        "found": [*balancers, *groups, *listeners, *rules],
        "attributes": [
            elbv2.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
            for arn in arns
        ],
        "targets": [
            elbv2.describe_target_health(TargetGroupArn=each["TargetGroupArn"]) for each in groups
        ],
        "tags": [elbv2.describe_tags(ResourceArns=[arn])["TagDescriptions"] for arn in tagged],
    }


def _rest_apis(apigateway: Any) -> Any:
    """Each API without the ids and times that a new one would have, with what callers see of it."""
    return [
        {
            "api": {
                # None and an empty text are both no policy.
                key: api.get(key) or None
                for key in (
                    "name",
                    "policy",
                    "endpointConfiguration",
                    "disableExecuteApiEndpoint",
                    "tags",
                )
            },
            "resources": {
                each["path"]: _api_methods(each)
                for each in apigateway.get_resources(restApiId=api["id"])["items"]
            },
            "tls": [api.get("securityPolicy"), api.get("endpointAccessMode")],
            "responses": apigateway.get_gateway_responses(restApiId=api["id"])["items"],
            "stages": [
                {**stage, "deploymentId": _description(apigateway, api["id"], stage)}
                for stage in apigateway.get_stages(restApiId=api["id"])["item"]
            ],
        }
        for api in apigateway.get_rest_apis()["items"]
    ]


def _api_methods(resource: Mapping[str, Any]) -> Any:
    return {
        name: (
            method["authorizationType"],
            *(method["methodIntegration"][key] for key in ("type", "httpMethod", "uri")),
        )
        for name, method in resource.get("resourceMethods", {}).items()
    }


def _description(apigateway: Any, api_id: str, stage: Mapping[str, Any]) -> str:
    deployments = apigateway.get_deployments(restApiId=api_id)["items"]
    return next(
        str(each["description"]) for each in deployments if each["id"] == stage["deploymentId"]
    )


def _async_invocations(awslambda: Any) -> list[Any]:
    return [
        each
        for function in awslambda.list_functions()["Functions"]
        for each in awslambda.list_function_event_invoke_configs(
            FunctionName=function["FunctionName"]
        )["FunctionEventInvokeConfigs"]
    ]


def _rules(events: Any) -> Any:
    return [
        (
            rule,
            events.list_targets_by_rule(Rule=rule["Name"])["Targets"],
            events.list_tags_for_resource(ResourceARN=rule["Arn"])["Tags"],
        )
        for rule in events.list_rules()["Rules"]
    ]


def _log_groups(logs: Any) -> Any:
    groups = logs.describe_log_groups()["logGroups"]
    return [
        (each, logs.list_tags_for_resource(resourceArn=each["arn"].removesuffix(":*"))["tags"])
        for each in groups
    ]


def _of_instances(ec2: Any) -> Any:
    templates = ec2.describe_launch_templates()["LaunchTemplates"]
    versions = ec2.describe_launch_template_versions
    latest = [
        versions(LaunchTemplateId=each["LaunchTemplateId"], Versions=["$Latest"])
        for each in templates
    ]
    return _security_groups(ec2), templates, latest


def _security_groups(ec2: Any) -> Any:
    return ec2.describe_security_groups()["SecurityGroups"]


def inventory(client: Client) -> dict[str, list[str]]:
    """Return the names of everything that boto3 finds; of what has none, what it belongs to."""
    iam, batch, awslambda = client("iam"), client("batch"), client("lambda")
    elbv2, ec2 = client("elbv2"), client("ec2")
    functions = [each["FunctionName"] for each in awslambda.list_functions()["Functions"]]
    balancing, rest_apis = _load_balancing(elbv2), _rest_apis(client("apigateway"))
    found = {
        "queues": client("sqs").list_queues().get("QueueUrls", []),
        "tables": client("dynamodb").list_tables()["TableNames"],
        "roles": [each["RoleName"] for each in iam.list_roles()["Roles"]],
        "profiles": [
            f"{each['InstanceProfileName']}: {[role['RoleName'] for role in each['Roles']]}"
            for each in iam.list_instance_profiles()["InstanceProfiles"]
        ],
        "environments": [
            each["computeEnvironmentName"]
            for each in batch.describe_compute_environments()["computeEnvironments"]
        ],
        "job queues": [each["jobQueueName"] for each in batch.describe_job_queues()["jobQueues"]],
        "scheduling policies": _policy_arns(batch),
        "definitions": {
            each["jobDefinitionName"]
            for each in batch.describe_job_definitions(status="ACTIVE")["jobDefinitions"]
        },
        "images": [
            f"{found['repositoryName']}: {image['imageDigest']}"
            for found, *_, images in _repositories(client("ecr"))
            for image in images or [{"imageDigest": "none"}]
        ],
        "functions": functions,
        "statements": [name for name in functions for _ in _policy(awslambda, name)],
        "mappings": [
            f"{each['EventSourceArn']} {each['FunctionArn']}"
            for each in awslambda.list_event_source_mappings()["EventSourceMappings"]
        ],
        "asynchronous": [each["FunctionArn"] for each in _async_invocations(awslambda)],
        "event rules": [each["Name"] for each in client("events").list_rules()["Rules"]],
        "load balancing": [_kind_of(each) for each in balancing["found"]],
        "targets": [
            target["Target"]["Id"]
            for each in balancing["targets"]
            for target in each["TargetHealthDescriptions"]
        ],
        "rest apis": [api["api"]["name"] for api in rest_apis],
        "methods": [
            f"{method} {path}"
            for api in rest_apis
            for path, methods in api["resources"].items()
            for method in methods
        ],
        "stages": [stage["stageName"] for api in rest_apis for stage in api["stages"]],
        "log groups": log_groups(client),
        "launch templates": [
            each["LaunchTemplateName"]
            for each in ec2.describe_launch_templates()["LaunchTemplates"]
        ],
        "security groups": [each["GroupName"] for each in _security_groups(ec2)],
    }
    return {what: sorted(names) for what, names in found.items()}


def log_groups(client: Client) -> list[str]:
    """Return the names of all log groups, with each API's name in the place of its id.

    An API that is made again has another id; the id of one that is gone stays.
    """
    found = client("logs").describe_log_groups()["logGroups"]
    names = [each["logGroupName"] for each in found]
    for api in client("apigateway").get_rest_apis()["items"]:
        names = [name.replace(api["id"], api["name"]) for name in names]
    return names


def _kind_of(found: Mapping[str, Any]) -> str:
    names = ("LoadBalancerName", "TargetGroupName", "Port", "Priority")
    return next(f"{name} {found[name]}" for name in names if name in found)
