"""Calls for moments that the life of an application has not: drift, queues that failed, tidying up.

Each is one that the code makes, on things of the stack that are there. They are made by the user,
first without their actions, then with the whole policy; what they would break comes last.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from batchctl.contract.shipped_code import CODE_PREFIX

Given = dict[str, Any]
Rare = tuple[str, str, Given]
Client = Callable[[str], Any]

REGION, ACCOUNT = "us-east-1", "000000000000"
TAGS = [{"Key": "team", "Value": "research"}]
KEYS = ["team"]
ROLE = {"RoleName": "batchapp-job"}
FUNCTION = {"FunctionName": "batchapp-JobAPI"}
TABLE = {"TableName": "batchapp-jobs"}


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def tagged(service: str, add: str, remove: str, *given: tuple[Given, Given]) -> list[Rare]:
    """Return, for each thing, the call that gives it a tag and the one that takes it away."""
    calls: list[Rare] = []
    for added, removed in given:
        calls += [(service, add, added), (service, remove, removed)]
    return calls


def in_alb(client: Client) -> list[Rare]:
    """Behind the load balancer: everything of the stack but the REST API."""
    return [
        *_iam(client),
        *_ec2(client),
        *_load_balancer(client),
        *_functions(client),
        *_batch(client),
        *_others(client),
    ]


def _iam(client: Client) -> list[Rare]:
    role = client("iam").get_role(**ROLE)["Role"]
    trust = json.dumps(role["AssumeRolePolicyDocument"])
    profile = {"InstanceProfileName": "batchapp-instance"}
    policy = "arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess"
    return [
        ("iam", "update_assume_role_policy", {**ROLE, "PolicyDocument": trust}),
        ("iam", "delete_role_permissions_boundary", ROLE),
        ("iam", "detach_role_policy", {**ROLE, "PolicyArn": policy}),
        ("iam", "tag_role", {**ROLE, "Tags": TAGS}),
        ("iam", "untag_role", {**ROLE, "TagKeys": KEYS}),
        ("iam", "tag_instance_profile", {**profile, "Tags": TAGS}),
        ("iam", "untag_instance_profile", {**profile, "TagKeys": KEYS}),
    ]


def _ec2(client: Client) -> list[Rare]:
    ec2 = client("ec2")
    names = [{"Name": "group-name", "Values": ["batchapp-load-balancer"]}]
    group = ec2.describe_security_groups(Filters=names)["SecurityGroups"][0]["GroupId"]
    template = ec2.describe_launch_templates()["LaunchTemplates"][0]["LaunchTemplateId"]
    rule = {
        "GroupId": group,
        "IpPermissions": [
            {
                "IpProtocol": "tcp",
                "FromPort": 9,
                "ToPort": 9,
                "IpRanges": [{"CidrIp": "192.0.2.0/24"}],
            }
        ],
    }
    version = {"LaunchTemplateId": template, "LaunchTemplateData": {"EbsOptimized": True}}
    return [
        ("ec2", "authorize_security_group_ingress", rule),
        ("ec2", "revoke_security_group_ingress", rule),
        ("ec2", "authorize_security_group_egress", rule),
        ("ec2", "revoke_security_group_egress", rule),
        *tagged(
            "ec2",
            "create_tags",
            "delete_tags",
            *(
                (
                    {"Resources": [each], "Tags": TAGS},
                    {"Resources": [each], "Tags": [{"Key": "team"}]},
                )
                for each in (group, template)
            ),
        ),
        ("ec2", "create_launch_template_version", version),
        ("ec2", "describe_instance_type_offerings", {}),
        ("ec2", "describe_instance_types", {}),
        ("ec2", "describe_spot_price_history", {}),
        ("ec2", "describe_vpc_endpoints", {}),
    ]


def _load_balancer(client: Client) -> list[Rare]:
    elb = client("elbv2")
    balancer = elb.describe_load_balancers()["LoadBalancers"][0]
    this = {"LoadBalancerArn": balancer["LoadBalancerArn"]}
    subnets = [each["SubnetId"] for each in balancer["AvailabilityZones"]]
    listener = elb.describe_listeners(**this)["Listeners"][0]["ListenerArn"]
    rules = elb.describe_rules(ListenerArn=listener)["Rules"]
    rule = next(each["RuleArn"] for each in rules if not each["IsDefault"])
    group = elb.describe_target_groups()["TargetGroups"][0]["TargetGroupArn"]
    whole = [balancer["LoadBalancerArn"], listener, rule, group]
    attributes = [{"Key": "deletion_protection.enabled", "Value": "false"}]
    return [
        ("elbv2", "set_ip_address_type", {**this, "IpAddressType": "ipv4"}),
        ("elbv2", "set_security_groups", {**this, "SecurityGroups": balancer["SecurityGroups"]}),
        ("elbv2", "set_subnets", {**this, "Subnets": subnets}),
        ("elbv2", "modify_load_balancer_attributes", {**this, "Attributes": attributes}),
        ("elbv2", "modify_listener", {"ListenerArn": listener, "Port": 9999}),
        ("elbv2", "modify_rule", {"RuleArn": rule}),
        ("elbv2", "modify_target_group", {"TargetGroupArn": group}),
        *tagged(
            "elbv2",
            "add_tags",
            "remove_tags",
            *(
                ({"ResourceArns": [each], "Tags": TAGS}, {"ResourceArns": [each], "TagKeys": KEYS})
                for each in whole
            ),
        ),
    ]


def _functions(client: Client) -> list[Rare]:
    functions = client("lambda")
    mapping = functions.list_event_source_mappings()["EventSourceMappings"][0]["UUID"]
    mapping_arn = arn("lambda", f"event-source-mapping:{mapping}")
    name = arn("lambda", "function:batchapp-JobAPI")
    return [
        ("lambda", "update_function_configuration", {**FUNCTION, "Timeout": 29}),
        ("lambda", "update_function_code", {**FUNCTION, "ZipFile": b"no zip"}),
        ("lambda", "delete_function_concurrency", FUNCTION),
        ("lambda", "get_account_settings", {}),
        ("lambda", "update_event_source_mapping", {"UUID": mapping, "BatchSize": 10}),
        *tagged(
            "lambda",
            "tag_resource",
            "untag_resource",
            *(
                (
                    {"Resource": each, "Tags": {"team": "research"}},
                    {"Resource": each, "TagKeys": KEYS},
                )
                for each in (name, mapping_arn)
            ),
        ),
    ]


def _batch(client: Client) -> list[Rare]:
    named = [{"name": "JOB_NAME", "values": ["one-0"]}]
    listed = client("batch").list_jobs(jobQueue="batchapp-compute", filters=named)
    ended = listed["jobSummaryList"][0]["jobId"]
    things = {
        "compute_environment": arn("batch", "compute-environment/batchapp-spot"),
        "queue": arn("batch", "job-queue/batchapp-compute"),
        "policy": arn("batch", "scheduling-policy/batchapp-fair-share"),
        "definition": arn("batch", "job-definition/batchapp-compute:1"),
    }
    return [
        (
            "batch",
            "update_job_queue",
            {
                "jobQueue": "batchapp-compute",
                "computeEnvironmentOrder": [
                    {"order": 1, "computeEnvironment": "batchapp-spot"},
                    {"order": 2, "computeEnvironment": "batchapp-on-demand"},
                ],
            },
        ),
        ("batch", "update_scheduling_policy", {"arn": things["policy"]}),
        ("batch", "update_compute_environment", {"computeEnvironment": "batchapp-spot"}),
        ("batch", "terminate_job", {"jobId": ended, "reason": "it has ended"}),
        ("batch", "get_job_queue_snapshot", {"jobQueue": "batchapp-compute"}),
        *tagged(
            "batch",
            "tag_resource",
            "untag_resource",
            *(
                (
                    {"resourceArn": each, "tags": {"team": "research"}},
                    {"resourceArn": each, "tagKeys": KEYS},
                )
                for each in things.values()
            ),
        ),
    ]


def _others(client: Client) -> list[Rare]:
    queue = client("sqs").get_queue_url(QueueName="batchapp-dead-letters")["QueueUrl"]
    table, rule = arn("dynamodb", "table/batchapp-jobs"), arn("events", "rule/batchapp-job-events")
    logs = arn("logs", "log-group:/aws/lambda/batchapp-JobAPI")
    job = {"job_id": {"S": "one"}, "item": {"S": "JOB"}}
    code = {"job_id": {"S": f"{CODE_PREFIX}rare"}, "item": {"S": "0"}}
    dead = arn("sqs", "batchapp-dead-letters")
    group = {"logGroupName": "/batchctl/batchapp/compute"}
    stream = client("logs").describe_log_streams(**group)["logStreams"][0]["logStreamName"]
    return [
        ("logs", "describe_log_streams", group),
        ("logs", "get_log_events", {**group, "logStreamName": stream}),
        ("sqs", "receive_message", {"QueueUrl": queue}),
        ("sqs", "send_message", {"QueueUrl": queue, "MessageBody": "one"}),
        ("sqs", "delete_message", {"QueueUrl": queue, "ReceiptHandle": "none"}),
        (
            "sqs",
            "change_message_visibility",
            {"QueueUrl": queue, "ReceiptHandle": "none", "VisibilityTimeout": 1},
        ),
        ("sqs", "list_message_move_tasks", {"SourceArn": dead}),
        ("sqs", "start_message_move_task", {"SourceArn": dead}),
        ("sqs", "tag_queue", {"QueueUrl": queue, "Tags": {"team": "research"}}),
        ("sqs", "untag_queue", {"QueueUrl": queue, "TagKeys": KEYS}),
        ("dynamodb", "get_item", {**TABLE, "Key": job}),
        (
            "dynamodb",
            "query",
            {
                **TABLE,
                "KeyConditionExpression": "job_id = :id",
                "ExpressionAttributeValues": {":id": {"S": "one"}},
            },
        ),
        ("dynamodb", "tag_resource", {"ResourceArn": table, "Tags": TAGS}),
        ("dynamodb", "untag_resource", {"ResourceArn": table, "TagKeys": KEYS}),
        ("dynamodb", "list_tables", {}),
        # What `batchctl.map` stores: the code of a function.
        ("dynamodb", "put_item", {**TABLE, "Item": code}),
        ("dynamodb", "delete_resource_policy", {"ResourceArn": table}),
        (
            "dynamodb",
            "update_time_to_live",
            {
                **TABLE,
                "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
            },
        ),
        ("events", "tag_resource", {"ResourceARN": rule, "Tags": TAGS}),
        ("events", "untag_resource", {"ResourceARN": rule, "TagKeys": KEYS}),
        ("logs", "tag_resource", {"resourceArn": logs, "tags": {"team": "research"}}),
        ("logs", "untag_resource", {"resourceArn": logs, "tagKeys": KEYS}),
        ("logs", "filter_log_events", {"logGroupName": "/batchctl/batchapp/compute"}),
    ]


def in_restapi(client: Client) -> list[Rare]:
    """Behind the REST API, with IAM."""
    apis = client("apigateway")
    api = apis.get_rest_apis()["items"][0]["id"]
    this = f"arn:aws:apigateway:{REGION}::/restapis/{api}"
    role = {"RoleName": "batchctl-api-gateway-logs"}
    return [
        ("apigateway", "tag_resource", {"resourceArn": this, "tags": {"team": "research"}}),
        ("apigateway", "untag_resource", {"resourceArn": this, "tagKeys": KEYS}),
        (
            "apigateway",
            "put_gateway_response",
            {"restApiId": api, "responseType": "DEFAULT_4XX", "statusCode": "400"},
        ),
        ("apigateway", "update_rest_api", {"restApiId": api, "patchOperations": []}),
        (
            "apigateway",
            "update_rest_api",
            {"restApiId": api, "patchOperations": [{"op": "remove", "path": "/policy"}]},
        ),
        ("iam", "get_role", role),
        ("iam", "get_role", {"RoleName": "AWSServiceRoleForBatch"}),
        (
            "sts",
            "assume_role",
            {
                "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/batchapp-API-Execute-Role",
                "RoleSessionName": "rare",
            },
        ),
    ]
