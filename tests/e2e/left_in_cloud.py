"""What is left in a local cloud; boto3 is the witness."""

from __future__ import annotations

from typing import Any

from application import Application


def left(application: Application) -> dict[str, Any]:
    """What boto3 finds, service by service."""
    client = application.client
    found = {
        "queues": client("sqs").list_queues().get("QueueUrls"),
        "tables": client("dynamodb").list_tables()["TableNames"],
        "roles": [role["RoleName"] for role in client("iam").list_roles()["Roles"]],
        "profiles": client("iam").list_instance_profiles()["InstanceProfiles"],
        "environments": client("batch").describe_compute_environments()["computeEnvironments"],
        "job queues": client("batch").describe_job_queues()["jobQueues"],
        "policies": client("batch").list_scheduling_policies()["schedulingPolicies"],
        "definitions": client("batch").describe_job_definitions(status="ACTIVE")["jobDefinitions"],
        "functions": client("lambda").list_functions()["Functions"],
        "mappings": client("lambda").list_event_source_mappings()["EventSourceMappings"],
        "load balancers": client("elbv2").describe_load_balancers()["LoadBalancers"],
        "target groups": client("elbv2").describe_target_groups()["TargetGroups"],
        "rules": client("events").list_rules()["Rules"],
        "log groups": client("logs").describe_log_groups()["logGroups"],
        "security groups": [
            group
            for group in client("ec2").describe_security_groups()["SecurityGroups"]
            if group["GroupName"] != "default"
        ],
    }
    return {what: names for what, names in found.items() if names}
