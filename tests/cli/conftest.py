"""A user in a folder with a config.yaml, an AWS account in memory, and every call counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from calls import Calls
from click.testing import CliRunner, Result
from default_vpc import make_default_vpc_public
from moto import mock_aws

from batchctl.cli import main

MOTO = {
    "batch": {"use_docker": False},
    "lambda": {"use_docker": False},
    "iam": {"load_aws_managed_policies": True},
}


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
    if region == "us-gov-west-1":
        # moto takes the partition of IAM from the host, where AWS's own has no region.
        monkeypatch.setenv("AWS_ENDPOINT_URL_IAM", f"https://iam.{region}.amazonaws.com")
    with mock_aws(config=MOTO):
        make_default_vpc_public(boto3.client("ec2", region_name=region))
        yield


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
