"""What other hands can delete, in the way that AWS lets them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from built import Application

Deletion = Callable[[Application], None]


def _queue(label: str) -> Deletion:
    def delete(application: Application) -> None:
        application.client("sqs").delete_queue(QueueUrl=application.outputs(f"queue.{label}").url)

    return delete


def _table(application: Application) -> None:
    dynamodb = application.client("dynamodb")
    dynamodb.update_table(TableName="batchapp-jobs", DeletionProtectionEnabled=False)
    dynamodb.delete_table(TableName="batchapp-jobs")


def _role(label: str) -> Deletion:
    def delete(application: Application) -> None:
        iam, name = application.client("iam"), application.outputs(f"role.{label}").id
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            iam.delete_role_policy(RoleName=name, PolicyName=policy)
        for attached in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
            iam.detach_role_policy(RoleName=name, PolicyArn=attached["PolicyArn"])
        profiles = iam.list_instance_profiles_for_role(RoleName=name)["InstanceProfiles"]
        for profile in profiles:
            iam.remove_role_from_instance_profile(
                InstanceProfileName=profile["InstanceProfileName"], RoleName=name
            )
        iam.delete_role(RoleName=name)

    return delete


def _instance_profile(application: Application) -> None:
    iam, name = application.client("iam"), application.outputs("instance_profile.instance").id
    role = application.outputs("role.instance").id
    iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=role)
    iam.delete_instance_profile(InstanceProfileName=name)


def _launch_template(application: Application) -> None:
    template = application.outputs("launch_template.compute").id
    application.client("ec2").delete_launch_template(LaunchTemplateId=template)


def _log_group(application: Application) -> None:
    name = application.outputs("log_group.api").id
    application.client("logs").delete_log_group(logGroupName=name)


def _job_definition(application: Application) -> None:
    batch = application.client("batch")
    for each in batch.describe_job_definitions(status="ACTIVE")["jobDefinitions"]:
        batch.deregister_job_definition(jobDefinition=each["jobDefinitionArn"])


def _job_queue(label: str) -> Deletion:
    def delete(application: Application) -> None:
        batch, arn = application.client("batch"), application.outputs(f"job_queue.{label}").arn
        batch.update_job_queue(jobQueue=arn, state="DISABLED")
        batch.delete_job_queue(jobQueue=arn)

    return delete


def _scheduling_policy(application: Application) -> None:
    """AWS would keep it as long as a queue has it."""
    arn = application.outputs("scheduling_policy.compute").arn
    application.client("batch").delete_scheduling_policy(arn=arn)


def _all_of_batch(application: Application) -> None:
    _job_queue("compute")(application)
    _job_queue("on_demand")(application)
    batch = application.client("batch")
    for label in ("spot", "on_demand"):
        arn = application.outputs(f"compute_environment.{label}").arn
        batch.update_compute_environment(computeEnvironment=arn, state="DISABLED")
        batch.delete_compute_environment(computeEnvironment=arn)


def _function(label: str) -> Deletion:
    def delete(application: Application) -> None:
        """Lambda deletes the resource policy with it, and not the mappings."""
        name = application.outputs(f"function.{label}").id
        application.client("lambda").delete_function(FunctionName=name)

    return delete


def _mapping(application: Application) -> None:
    uuid = application.outputs("event_source_mapping.splitter").id
    application.client("lambda").delete_event_source_mapping(UUID=uuid)


def _permission(application: Application) -> None:
    permission = application.outputs("permission.api")
    application.client("lambda").remove_permission(
        FunctionName=permission.function_name, StatementId=permission.id
    )


def _event_rule(application: Application) -> None:
    events, name = application.client("events"), application.outputs("event_rule.job_events").id
    targets = events.list_targets_by_rule(Rule=name)["Targets"]
    events.remove_targets(Rule=name, Ids=[target["Id"] for target in targets])
    events.delete_rule(Name=name)


def _async_invocation(application: Application) -> None:
    name = application.outputs("async_invocation.tracker").id
    application.client("lambda").delete_function_event_invoke_config(FunctionName=name)


def _target(application: Application) -> None:
    target = application.outputs("target.api")
    application.client("elbv2").deregister_targets(
        TargetGroupArn=target.target_group_arn, Targets=[{"Id": target.id}]
    )


def _rule(application: Application) -> None:
    arn = application.outputs("listener_rule.receiver").arn
    application.client("elbv2").delete_rule(RuleArn=arn)


def _target_group(application: Application) -> None:
    """Delete it with the rule that uses it, without which AWS refuses."""
    _rule(application)
    arn = application.outputs("target_group.receiver").arn
    application.client("elbv2").delete_target_group(TargetGroupArn=arn)


def _listener(application: Application) -> None:
    arn = application.outputs("listener.api").arn
    application.client("elbv2").delete_listener(ListenerArn=arn)


def _image(application: Application) -> None:
    image = application.outputs("image.compute")
    application.client("ecr").batch_delete_image(
        repositoryName=image.repository, imageIds=[{"imageTag": image.id}]
    )


def _repository(application: Application) -> None:
    name = application.outputs("repository.compute").id
    application.client("ecr").delete_repository(repositoryName=name, force=True)


def _load_balancer(application: Application) -> None:
    arn = application.outputs("load_balancer.api").arn
    application.client("elbv2").delete_load_balancer(LoadBalancerArn=arn)


def _load_balancer_and_group(application: Application) -> None:
    _load_balancer(application)
    group: Any = application.outputs("security_group.load_balancer").id
    application.client("ec2").delete_security_group(GroupId=group)


def _rest_api(application: Application) -> None:
    api_id = application.outputs("rest_api.api").id
    application.client("apigateway").delete_rest_api(restApiId=api_id)


def _stage(application: Application) -> None:
    stage = application.outputs("stage.api")
    application.client("apigateway").delete_stage(restApiId=stage.rest_api_id, stageName=stage.id)


def _api_deployment(application: Application) -> None:
    """Delete it with the stage that shows it, without which AWS refuses."""
    _stage(application)
    deployment = application.outputs("api_deployment.api")
    application.client("apigateway").delete_deployment(
        restApiId=deployment.rest_api_id, deploymentId=deployment.id
    )


def _api_logging(application: Application) -> None:
    """Delete the role by which API Gateway logs; the region's setting still names it."""
    iam, name = application.client("iam"), application.outputs("api_logging.region").id
    for attached in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=attached["PolicyArn"])
    iam.delete_role(RoleName=name)


def _rest_permission(application: Application) -> None:
    permission = application.outputs("permission.rest_receiver")
    application.client("lambda").remove_permission(
        FunctionName=permission.function_name, StatementId=permission.id
    )


# The address that has to be created again, and how it goes.
DELETIONS: dict[str, Deletion] = {
    "queue.jobs": _queue("jobs"),
    "queue.dead_letters": _queue("dead_letters"),
    "queue.events_dead_letters": _queue("events_dead_letters"),
    "table.jobs": _table,
    "role.receiver": _role("receiver"),
    "role.instance": _role("instance"),
    "role.job": _role("job"),
    "instance_profile.instance": _instance_profile,
    "launch_template.compute": _launch_template,
    "log_group.api": _log_group,
    "job_definition.compute": _job_definition,
    "image.compute": _image,
    "repository.compute": _repository,
    "job_queue.compute": _job_queue("compute"),
    "job_queue.on_demand": _job_queue("on_demand"),
    "scheduling_policy.compute": _scheduling_policy,
    "compute_environment.spot": _all_of_batch,
    "function.receiver": _function("receiver"),
    "function.splitter": _function("splitter"),
    "event_source_mapping.splitter": _mapping,
    "permission.api": _permission,
    "event_rule.job_events": _event_rule,
    "async_invocation.tracker": _async_invocation,
    "function.tracker": _function("tracker"),
    "target.api": _target,
    "listener_rule.receiver": _rule,
    "target_group.receiver": _target_group,
    "listener.api": _listener,
    "load_balancer.api": _load_balancer,
    "security_group.load_balancer": _load_balancer_and_group,
}
# The same behind a REST API.
BEHIND_REST_API: dict[str, Deletion] = {
    "rest_api.api": _rest_api,
    "stage.api": _stage,
    "api_deployment.api": _api_deployment,
    "api_logging.region": _api_logging,
    "role.api_execute": _role("api_execute"),
    "permission.rest_receiver": _rest_permission,
    "function.receiver": _function("receiver"),
}
