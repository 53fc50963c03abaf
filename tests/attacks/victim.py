"""The cloud under attack: a queue, a function behind a load balancer and REST APIs, a marker."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from http_by_hand import Answer, Request, send
from local_cloud import Cloud, allow, build, create_function, expose
from signing import Key, Scope, signed

from batchctl.local.control import process
from batchctl.local.control.process import Settings
from batchctl.local.control.record import ACCESS_KEY_ID

INTRUDER = "intruder"
FUNCTION = "front-function"
SOURCE = """
    import json
    def handler(event, context):
        print("called", event["httpMethod"], event["path"], event["queryStringParameters"])
        return {"statusCode": 200, "body": json.dumps({"path": event["path"]})}
"""
MARKER = "a-queue-that-was-there-before"


@dataclass(frozen=True)
class Victim:
    """A running cloud, root's key, and what is exposed."""

    cloud: Cloud
    root: Key
    open_api: str
    closed_api: str

    @property
    def gateway(self) -> int:
        """The port of AWS."""
        return int(self.cloud.running.gateway_port)

    @property
    def balancer(self) -> int:
        """The port of the load balancer."""
        return int(self.cloud.running.load_balancer_port)

    @property
    def directory(self) -> Path:
        """The cloud's directory."""
        return Path(self.cloud.running.directory)

    def as_root(self, request: Request, service: str) -> Request:
        """Return a request for the gateway with root's right signature."""
        whole = request if request.names("host") else request.having(Host=self.host)
        return signed(whole, self.root, Scope(service))

    @property
    def host(self) -> str:
        """The gateway's address, as Host has it."""
        return f"127.0.0.1:{self.gateway}"

    def to_gateway(self, request: Request) -> Answer:
        """Send a request to AWS's port."""
        return send(self.gateway, request)

    def to_balancer(self, request: Request) -> Answer:
        """Send a request to the load balancer's port."""
        return send(self.balancer, request)

    def names(self) -> str:
        """Return what there is, by boto3 with root's key: names of all kinds, as one text."""
        return json.dumps([_listed(self.cloud, *listing) for listing in LISTINGS], default=str)

    def calls_of_the_function(self, what: str) -> list[str]:
        """Return the calls of the exposed function that have this in their path, by its log."""
        events = self.cloud.logs.filter_log_events(logGroupName=f"/aws/lambda/{FUNCTION}")["events"]
        lines = [event["message"].strip() for event in events]
        return [line for line in lines if line.startswith("called") and what in line]


LISTINGS = (
    ("iam", "list_users", "Users"),
    ("cloudformation", "list_stacks", "StackSummaries"),
    ("ec2", "describe_security_groups", "SecurityGroups"),
    ("elbv2", "describe_target_groups", "TargetGroups"),
    ("sns", "list_topics", "Topics"),
    ("sqs", "list_queues", "QueueUrls"),
    ("dynamodb", "list_tables", "TableNames"),
    ("logs", "describe_log_groups", "logGroups"),
    ("ecr", "describe_repositories", "repositories"),
    ("events", "list_rules", "Rules"),
    ("secretsmanager", "list_secrets", "SecretList"),
    ("lambda", "list_functions", "Functions"),
    ("batch", "describe_job_definitions", "jobDefinitions"),
    ("apigateway", "get_rest_apis", "items"),
    ("s3", "list_buckets", "Buckets"),
)
"""What is asked of each service that `calls` makes something in."""


def _listed(cloud: Cloud, service: str, operation: str, member: str) -> list[Any]:
    found: list[Any] = getattr(getattr(cloud, service), operation)().get(member, [])
    return found


def start(settings: Settings) -> Victim:
    """Start a cloud and build what there is to attack."""
    cloud = Cloud(process.start(settings))
    build(cloud)
    role = cloud.role(FUNCTION, "lambda.amazonaws.com", allow("logs:*", "*"))
    arn = create_function(cloud, FUNCTION, role, SOURCE)
    expose(cloud, arn)
    cloud.sqs.create_queue(QueueName=MARKER)
    apis = [_rest_api(cloud, arn, kind) for kind in ("NONE", "AWS_IAM")]
    victim = Victim(cloud, root_key(settings.directory), *apis)
    answer = victim.to_balancer(Request("GET", "/health"))
    assert answer.status == 200, answer
    return victim


def root_key(directory: Path) -> Key:
    """Return the key of the cloud's root."""
    return Key(ACCESS_KEY_ID, (directory / "root-secret").read_text(encoding="utf-8").strip())


def _rest_api(cloud: Cloud, function_arn: str, kind: str) -> str:
    """Make an API whose `GET /` calls the function; return its id."""
    apis = cloud.apigateway
    api = apis.create_rest_api(name=f"api-{kind}")
    method = {"restApiId": api["id"], "resourceId": api["rootResourceId"], "httpMethod": "GET"}
    apis.put_method(**method, authorizationType=kind)
    region = cloud.running.region
    uri = f"arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{function_arn}/invocations"
    apis.put_integration(**method, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
    apis.create_deployment(restApiId=api["id"], stageName="v1")
    return str(api["id"])
