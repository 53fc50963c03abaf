"""A user in a folder with a config.yaml, an AWS account in memory, and every call counted."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
import urllib3
from botocore.client import BaseClient
from calls import Calls
from click.testing import CliRunner, Result
from default_vpc import make_default_vpc_public
from job_api import DONE, JobApi, serving
from json_shapes import check_json
from moto import mock_aws
from moto.core.config import DefaultConfig

from batchctl.cli import main
from batchctl.engine.state import State, StateFile, StateIdentity, StateRecord
from batchctl.jobs.api.connection import Connection

ACCOUNT, REGION = "123456789012", "us-east-1"
MOTO: DefaultConfig = {
    "batch": {"use_docker": False},
    "lambda": {"use_docker": False},
    "iam": {"load_aws_managed_policies": True},
}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Every API call from now on, in order."""
    calls = Calls()
    make = vars(BaseClient)["_make_api_call"]

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
    monkeypatch.setattr(Connection, "exchange", _exchange)
    with mock_aws(config=MOTO):
        make_default_vpc_public(boto3.client("ec2", region_name=region))
        yield


EXCHANGE = Connection.exchange


def _exchange(connection: Connection, method: str, target: str, *more: Any) -> Any:
    """Answer for the load balancers and REST APIs of the account in memory, which have no host."""
    if "amazonaws.com" in connection.endpoint:
        return urllib3.HTTPResponse(b'{"jobs": []}', status=200)
    return EXCHANGE(connection, method, target, *more)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder, with a small config.yaml; it is the current one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text("compute:\n  image: registry.example/compute:1\n")
    return tmp_path


@pytest.fixture
def batchctl(folder: Path) -> Callable[..., Result]:
    """The command line: `batchctl("up", "--yes")`; its JSON is held against the schemas."""

    def run(*arguments: str, input: str | None = None) -> Result:  # noqa: A002 - click's own word
        result = CliRunner().invoke(main, arguments, input=input, catch_exceptions=False)
        check_json(arguments, result)
        return result

    return run


@pytest.fixture
def api() -> Iterator[JobApi]:
    with serving(JobApi([DONE])) as made:
        yield made


@pytest.fixture
def deployed(folder: Path, api: JobApi) -> StateFile:
    """A folder whose state knows the application that the API is of."""
    config = f"api: {{port: {api.port}}}\ncompute: {{image: 'x:1'}}\n"
    (folder / "config.yaml").write_text(config)
    path = folder / ".batchctl" / "batchapp.state.json"
    state = StateFile(path, State(StateIdentity("batchapp", ACCOUNT, REGION)))
    record(state, "load_balancer", "api", id="api", arn="arn", dns_name="127.0.0.1")
    return state


def record(state: StateFile, kind: str, label: str, **outputs: str) -> None:
    state.put(StateRecord(kind, label, outputs=outputs))


@pytest.fixture
def tracker(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The function JobTracker: what it answers, and what it was asked."""
    script = SimpleNamespace(asked=[], answer={})
    make = vars(BaseClient)["_make_api_call"]

    def answered(client: Any, operation: str, parameters: Any) -> Any:
        if operation != "Invoke":
            return make(client, operation, parameters)
        script.asked.append((parameters["FunctionName"], json.loads(parameters["Payload"])))
        return {"Payload": io.BytesIO(json.dumps(script.answer).encode())}

    monkeypatch.setattr(BaseClient, "_make_api_call", answered)
    return script


@pytest.fixture
def in_account(deployed: StateFile, account: None) -> StateFile:
    """The application with its table, queues and functions in an account, and one job."""
    record(deployed, "function", "tracker", id="batchapp-JobTracker", arn="arn")
    record(deployed, "table", "jobs", id="batchapp-jobs", arn="arn")
    record(deployed, "log_group", "compute", id="/batchctl/batchapp/compute", arn="arn")
    boto3.client("logs").create_log_group(logGroupName="/batchctl/batchapp/compute")
    sqs = boto3.client("sqs")
    for label in ("jobs", "dead_letters", "events_dead_letters"):
        url = sqs.create_queue(QueueName=f"batchapp-{label}")["QueueUrl"]
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:batchapp-{label}"
        record(deployed, "queue", label, id=f"batchapp-{label}", arn=arn, url=url)
    keys = (("job_id", "HASH"), ("item", "RANGE"))
    dynamodb = boto3.client("dynamodb")
    dynamodb.create_table(
        TableName="batchapp-jobs",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],  # type: ignore[typeddict-item]
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n, _ in keys],
    )
    return deployed
