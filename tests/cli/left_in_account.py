"""What is left of the stack in the account in memory; boto3 is the witness."""

from __future__ import annotations

from typing import Any

import boto3


def left_in(region: str) -> dict[str, list[str]]:
    """What boto3 finds of the stack, service by service."""
    named: Any = boto3.client
    client = {
        name: named(name, region_name=region)
        for name in ("sqs", "dynamodb", "iam", "batch", "lambda", "elbv2", "logs", "ec2")
    }
    found = {
        "queues": client["sqs"].list_queues().get("QueueUrls", []),
        "tables": client["dynamodb"].list_tables()["TableNames"],
        "roles": [r["RoleName"] for r in client["iam"].list_roles(PathPrefix="/")["Roles"]],
        "profiles": client["iam"].list_instance_profiles()["InstanceProfiles"],
        "environments": client["batch"].describe_compute_environments()["computeEnvironments"],
        "job queues": client["batch"].describe_job_queues()["jobQueues"],
        "policies": client["batch"].list_scheduling_policies()["schedulingPolicies"],
        "definitions": client["batch"].describe_job_definitions(status="ACTIVE")["jobDefinitions"],
        "functions": client["lambda"].list_functions()["Functions"],
        "mappings": client["lambda"].list_event_source_mappings()["EventSourceMappings"],
        "load balancers": client["elbv2"].describe_load_balancers()["LoadBalancers"],
        "target groups": client["elbv2"].describe_target_groups()["TargetGroups"],
        "log groups": client["logs"].describe_log_groups()["logGroups"],
        "security groups": [
            group["GroupName"]
            for group in client["ec2"].describe_security_groups()["SecurityGroups"]
            if group["GroupName"] != "default"
        ],
    }
    return {what: names for what, names in found.items() if names}
