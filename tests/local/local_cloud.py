"""A really started local cloud for tests, with boto3 as the witness."""

from __future__ import annotations

import itertools
import json
import os
import socket
import textwrap
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPConnection
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3

from batchctl.local.control.process import Settings
from batchctl.local.control.record import ACCESS_KEY_ID, CloudRecord

TIMEOUT_S = 60.0
# Far from those of the test process beside this one, whose number is near.
_PORTS = itertools.count(101 * os.getpid())
ENDED = ("SUCCEEDED", "FAILED")
SOURCE = """
    import json, os
    def handler(event, context):
        print("called", event["path"])
        return {"statusCode": 200, "headers": {"content-type": "application/json"},
                "body": json.dumps({"path": event["path"], "method": event["httpMethod"],
                                    "port": event["headers"]["x-forwarded-port"]})}
"""


class Cloud:
    """A running local cloud and its clients."""

    def __init__(self, running: CloudRecord) -> None:
        self.running = running
        self._clients: dict[str, Any] = {}

    def client(self, service: str, **credentials: str) -> Any:
        key_id, secret = self.running.root
        root: Any = {"aws_access_key_id": key_id, "aws_secret_access_key": secret}
        named: Any = service
        return boto3.client(
            named,
            region_name=self.running.region,
            endpoint_url=self.running.endpoint_url,
            **(credentials or root),
        )

    def __getattr__(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self.client(service)
        return self._clients[service]

    def role(self, name: str, service: str, policy: dict[str, Any] | None = None) -> str:
        arn: str = self.iam.create_role(
            RoleName=name, AssumeRolePolicyDocument=json.dumps(trust({"Service": service}))
        )["Role"]["Arn"]
        if policy is not None:
            self.iam.put_role_policy(
                RoleName=name, PolicyName="p", PolicyDocument=json.dumps(policy)
            )
        return arn

    def submit(self, command: list[str], **members: Any) -> str:
        overrides = {"containerOverrides": {"command": command}}
        job = {"jobName": "job", "jobQueue": "work", "jobDefinition": "compute"}
        return str(self.batch.submit_job(**(job | overrides | members))["jobId"])

    def job(self, job_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.batch.describe_jobs(jobs=[job_id])["jobs"][0]
        return found

    def wait(self, job_id: str, *statuses: str) -> dict[str, Any]:
        found: dict[str, Any] = eventually(
            lambda: self.job(job_id), lambda job: job["status"] in statuses
        )
        return found

    def log(self, job_id: str) -> list[str]:
        stream = self.job(job_id)["container"]["logStreamName"]
        events = self.logs.get_log_events(logGroupName="/batchapp", logStreamName=stream)
        return [event["message"] for event in events["events"]]


def send(port: int, method: str, path: str, **headers: str) -> tuple[int, bytes]:
    """Send a request (`_` in a header's name is `-`), whose answer must not have CORS headers."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers=named)
        response = connection.getresponse()
        assert not [name for name, _ in response.getheaders() if name.lower().startswith("access-")]
        return response.status, response.read()
    finally:
        connection.close()


def eventually(look: Callable[[], Any], is_good: Callable[[Any], bool]) -> Any:
    """Return what `look` finds as soon as it is good; fail with the last that it found."""
    deadline = time.monotonic() + TIMEOUT_S
    found = look()
    while not is_good(found):
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
        found = look()
    return found


def trust(principal: dict[str, str]) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def allow(action: str, *resources: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": action, "Resource": list(resources)}
    return {"Version": "2012-10-17", "Statement": [statement]}


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on now, and that this process has not been given before.

    They are below those that the system itself gives away (Linux: from 32768 on): until a cloud
    takes its own, no connection of anybody's gets it.
    """
    ports: list[int] = []
    while len(ports) < count:
        port = 20_000 + next(_PORTS) % 12_000
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            ports.append(port)
    return ports


def new_settings(directory: Path) -> Settings:
    gateway, balancer = free_ports(2)
    compute = directory / "compute"
    compute.mkdir(exist_ok=True)
    return Settings(directory / "cloud", gateway, balancer, compute, vcpus=2)


def build(cloud: Cloud) -> None:
    cloud.iam.create_instance_profile(InstanceProfileName="batchapp")
    cloud.logs.create_log_group(logGroupName="/batchapp")
    cloud.dynamodb.create_table(
        TableName="results",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    table = f"arn:aws:dynamodb:us-east-1:{ACCESS_KEY_ID}:table/results"
    role = cloud.role("job", "ecs-tasks.amazonaws.com", allow("dynamodb:PutItem", table))
    create_environment(cloud, "spot", "batchapp")
    cloud.batch.create_job_queue(
        jobQueueName="work",
        priority=1,
        computeEnvironmentOrder=[{"order": 1, "computeEnvironment": "spot"}],
    )
    look = lambda: cloud.batch.describe_job_queues(jobQueues=["work"])["jobQueues"][0]  # noqa: E731 - one line
    eventually(look, lambda queue: queue["status"] == "VALID")
    register(cloud, "compute", jobRoleArn=role)


def create_environment(cloud: Cloud, name: str, profile: str) -> dict[str, Any]:
    subnets = cloud.ec2.describe_subnets()["Subnets"]
    groups = cloud.ec2.describe_security_groups()["SecurityGroups"]
    cloud.batch.create_compute_environment(
        computeEnvironmentName=name,
        type="MANAGED",
        computeResources={
            "type": "SPOT",
            "allocationStrategy": "SPOT_PRICE_CAPACITY_OPTIMIZED",
            "maxvCpus": 8,
            "subnets": [subnet["SubnetId"] for subnet in subnets],
            "securityGroupIds": [group["GroupId"] for group in groups],
            "instanceTypes": ["default_x86_64"],
            "instanceRole": profile,
        },
    )
    describe = cloud.batch.describe_compute_environments
    found = eventually(
        lambda: describe(computeEnvironments=[name])["computeEnvironments"][0],
        lambda item: item["status"] != "CREATING",
    )
    return dict(found)


def register(cloud: Cloud, name: str, **container: Any) -> None:
    options = {"awslogs-group": "/batchapp"}
    properties = {
        "image": "batchapp:1",
        "command": ["python", "runner.py"],
        "environment": [{"name": "AWS_DEFAULT_REGION", "value": "us-east-1"}],
        "resourceRequirements": [
            {"type": "VCPU", "value": "1"},
            {"type": "MEMORY", "value": "512"},
        ],
        "logConfiguration": {"logDriver": "awslogs", "options": options},
    }
    cloud.batch.register_job_definition(
        jobDefinitionName=name, type="container", containerProperties=properties | container
    )


def function(cloud: Cloud) -> str:
    statement = allow("logs:*", "*")
    role = cloud.role("echo", "lambda.amazonaws.com", statement)
    return create_function(cloud, "echo", role, SOURCE)


def create_function(cloud: Cloud, name: str, role: str, source: str) -> str:
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("index.py", textwrap.dedent(source))
    created = getattr(cloud, "lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role,
        Handler="index.handler",
        Code={"ZipFile": content.getvalue()},
        Timeout=30,
    )
    getattr(cloud, "lambda").get_waiter("function_active_v2").wait(
        FunctionName=name, WaiterConfig={"Delay": 1}
    )
    return str(created["FunctionArn"])


def invoke(cloud: Cloud, name: str) -> dict[str, Any]:
    answer: dict[str, Any] = getattr(cloud, "lambda").invoke(FunctionName=name)
    return answer


def expose(cloud: Cloud, function_arn: str) -> None:
    subnets = [subnet["SubnetId"] for subnet in cloud.ec2.describe_subnets()["Subnets"]]
    balancer = cloud.elbv2.create_load_balancer(Name="front", Subnets=subnets)["LoadBalancers"][0]
    group = cloud.elbv2.create_target_group(Name="echo", TargetType="lambda")["TargetGroups"][0]
    cloud.elbv2.register_targets(
        TargetGroupArn=group["TargetGroupArn"], Targets=[{"Id": function_arn}]
    )
    cloud.elbv2.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"],
        Protocol="HTTP",
        Port=cloud.running.load_balancer_port,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group["TargetGroupArn"]}],
    )
