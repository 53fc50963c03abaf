"""An AWS far away: moto behind HTTP on loopback, each call answered a fixed time later.

moto tells services apart by the host that a request goes to. All of a client's requests come here
(AWS_ENDPOINT_URL), so the service and region are read from the signature and moto is given the URL
that the client would have called. Run it with the port and the delay in milliseconds; it says
"ready" when it listens.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders
from builder import REGISTRY
from moto import mock_aws
from moto.core.models import botocore_stubber
from moto.ecr.models import ecr_backends

ACCOUNT, REGION = "123456789012", "us-east-1"
MOTO: Any = {
    "batch": {"use_docker": False},
    "lambda": {"use_docker": False},
    "iam": {"load_aws_managed_policies": True},
}
SCOPE = re.compile(r"Credential=[^/]+/\d+/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")
GLOBAL = {"iam"}
FIRST_CALLS = {
    "sts": "get_caller_identity",
    "sqs": "list_queues",
    "dynamodb": "list_tables",
    "iam": "list_roles",
    "batch": "describe_job_queues",
    "logs": "describe_log_groups",
    "lambda": "list_functions",
    "elbv2": "describe_load_balancers",
    "ecr": "describe_repositories",
    "events": "list_rules",
    "apigateway": "get_rest_apis",
}
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"


class Server(ThreadingHTTPServer):
    """Takes as many connections at once as a run opens."""

    request_queue_size = 128
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that has ended with its connections open."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Gateway(BaseHTTPRequestHandler):
    """Hands each request to moto after the delay."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    delay_s = 0.0

    def answer(self) -> None:
        """Answer one request, whatever its method."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        time.sleep(self.delay_s)
        if self.path.startswith(REGISTRY):
            _put_image(self.path.removeprefix(REGISTRY))
            self._send(201, {}, b"")
            return
        url = f"https://{_host(self.headers['Authorization'])}{self.path}"
        headers = HTTPHeaders.from_pairs(self.headers.items())
        request = AWSPreparedRequest(self.command, url, headers, body, stream_output=False)
        answer = botocore_stubber.process_request(request)
        if answer is None:
            self.send_error(501, f"moto has no {self.command} {url}")
            return
        status, answered, content = answer
        self._send(status, answered, content.encode() if isinstance(content, str) else content)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = answer  # noqa: N815 - http.server's names

    def _send(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in {"content-length", "transfer-encoding", "connection"}:
                self.send_header(name, str(value))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing of single requests: the client counts them."""


def _put_image(path: str) -> None:
    """Put an image into moto's registry, known by `REPOSITORY/TAG`."""
    repository, _, tag = path.rpartition("/")
    manifest = json.dumps({"mediaType": MANIFEST_TYPE, "layers": [], "annotations": {"tag": tag}})
    ecr_backends[ACCOUNT][REGION].put_image(repository, manifest, tag, MANIFEST_TYPE)


def _host(authorization: str) -> str:
    scope = SCOPE.search(authorization)
    if scope is None:
        raise ValueError(f"no AWS signature in {authorization!r}")
    if scope["service"] in GLOBAL:
        return f"{scope['service']}.amazonaws.com"
    return f"{scope['service']}.{scope['region']}.amazonaws.com"


def _make_default_vpc_public() -> None:
    """Give the default VPC its way to the internet, as AWS makes it and moto does not."""
    ec2: Any = boto3.client("ec2", region_name=REGION)
    vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc["VpcId"])
    of_vpc = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
    for table in ec2.describe_route_tables(Filters=of_vpc)["RouteTables"]:
        ec2.create_route(
            RouteTableId=table["RouteTableId"],
            DestinationCidrBlock="0.0.0.0/0",
            GatewayId=gateway,
        )


def _warm_up() -> None:
    """Let moto load what it loads at a service's first call: AWS is up already."""
    for service, operation in FIRST_CALLS.items():
        getattr(boto3.client(service, region_name=REGION), operation)()  # type: ignore[call-overload]


def _keep_settings() -> None:
    """Let moto keep what AWS keeps, as the tests let it: else each `up` would have changes."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "resources"))
    import_module("settings_as_aws").keep_settings(pytest.MonkeyPatch())


def main() -> None:
    """Serve until ended."""
    port, delay_ms = int(sys.argv[1]), float(sys.argv[2])
    os.environ.pop("AWS_ENDPOINT_URL", None)
    Gateway.delay_s = delay_ms / 1000
    _keep_settings()
    with mock_aws(config=MOTO):
        _make_default_vpc_public()
        _warm_up()
        with Server(("127.0.0.1", port), Gateway) as server:
            print("ready", flush=True)
            server.serve_forever()


if __name__ == "__main__":
    main()
