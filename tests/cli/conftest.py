"""A user in a folder with a config.yaml, an AWS account in memory, and every call counted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from click.testing import CliRunner, Result
from moto import mock_aws

from batchctl.cli import main

READING = ("Get", "List", "Describe")
MOTO = {
    "batch": {"use_docker": False},
    "lambda": {"use_docker": False},
    "iam": {"load_aws_managed_policies": True},
}


@dataclass
class Calls:
    """The API calls of the commands, with what was sent."""

    made: list[tuple[str, str, Any]] = field(default_factory=list)

    @property
    def writes(self) -> list[str]:
        return [f"{s}.{o}" for s, o, _ in self.made if not o.startswith(READING)]

    @property
    def sent(self) -> str:
        """Everything that was sent, as one text."""
        return json.dumps([parameters for _, _, parameters in self.made], default=str)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Every API call from now on, in order."""
    calls = Calls()
    make = BaseClient._make_api_call

    def counted(client: Any, operation: str, parameters: Any) -> Any:
        calls.made.append((client.meta.service_model.service_name, operation, parameters))
        return make(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", counted)
    return calls


@pytest.fixture
def region() -> str:
    """Where the user works; a test may ask for another region by parametrising this."""
    return "us-east-1"


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch, region: str) -> Iterator[None]:
    """A fresh AWS account in memory, with a default VPC as AWS makes it."""
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    with mock_aws(config=MOTO):
        _open_default_vpc(region)
        yield


def _open_default_vpc(region: str) -> None:
    """Give moto's default VPC the route to an internet gateway that AWS's has."""
    ec2 = boto3.client("ec2", region_name=region)
    vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]
    ours = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc["VpcId"])
    for table in ec2.describe_route_tables(Filters=ours)["RouteTables"]:
        ec2.create_route(
            RouteTableId=table["RouteTableId"],
            DestinationCidrBlock="0.0.0.0/0",
            GatewayId=gateway,
        )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder, with a small config.yaml; it is the current one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text("compute:\n  image: registry.example/compute:1\n")
    return tmp_path


@pytest.fixture
def batchctl(folder: Path) -> Callable[..., Result]:
    """The command line: `batchctl("up", "--yes")`."""

    def run(*arguments: str, input: str | None = None) -> Result:  # noqa: A002 - click's own word
        return CliRunner().invoke(main, arguments, input=input, catch_exceptions=False)

    return run
