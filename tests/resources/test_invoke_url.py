"""The address of a REST API's stage: AWS's own, or of whatever plays AWS."""

from __future__ import annotations

import boto3
import pytest

from batchctl.aws.session import Aws, Connection
from batchctl.resources.apigateway.stages import _stage_outputs


def invoke_url(region: str, endpoint_url: str | None = None) -> str:
    session = boto3.Session("AKIA", "secret", region_name=region)
    aws = Aws(Connection(session, endpoint_url), stack="batchapp", tags={})
    aws.__dict__["account"] = "123456789012"
    return _stage_outputs(aws, "a1b2c3d4e5", "api").invoke_url


@pytest.mark.parametrize(
    ("region", "url"),
    [
        ("us-east-1", "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/api"),
        ("us-gov-west-1", "https://a1b2c3d4e5.execute-api.us-gov-west-1.amazonaws.com/api"),
        ("cn-north-1", "https://a1b2c3d4e5.execute-api.cn-north-1.amazonaws.com.cn/api"),
    ],
)
def test_on_aws_an_api_has_a_host_of_its_own(region: str, url: str) -> None:
    assert invoke_url(region) == url


def test_in_the_local_cloud_an_api_is_a_path_of_the_gateway() -> None:
    url = "http://127.0.0.1:4566/_aws/execute-api/a1b2c3d4e5/api"
    assert invoke_url("us-east-1", "http://127.0.0.1:4566") == url


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_API_GATEWAY"])
def test_an_emulator_that_the_environment_names_is_one_too(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "http://localhost:5000/")
    url = "http://localhost:5000/_aws/execute-api/a1b2c3d4e5/api"
    assert invoke_url("cn-north-1") == url


def test_a_private_way_to_aws_is_still_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = "https://vpce-1.apigateway.us-east-1.vpce.amazonaws.com"
    monkeypatch.setenv("AWS_ENDPOINT_URL_API_GATEWAY", endpoint)
    assert invoke_url("us-east-1").startswith("https://a1b2c3d4e5.execute-api.")
