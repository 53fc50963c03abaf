"""What acceptance records of AWS tells nothing of whose account it was, and can be replayed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from bench.recordings import ACCOUNT, Recorder, Scrubber, replay

REAL = "210987654321"
ANSWER = {
    "QueueUrl": f"https://sqs.eu-west-1.amazonaws.com/{REAL}/app-jobs",
    "ResponseMetadata": {
        "RequestId": "5f1c7c2e-1111-4222-8333-444455556666",
        "HTTPStatusCode": 200,
    },
}


def test_accounts_ids_addresses_and_secrets_are_replaced() -> None:
    """Nothing of them is left, in whatever text they stand."""
    told = {
        "Arn": f"arn:aws:iam::{REAL}:role/app",
        "RoleId": "AROAIOSFODNN7EXAMPLE",
        "VpcId": "vpc-0a1b2c3d4e5f67890",
        "Ip": "203.0.113.77",
        "SecretAccessKey": "wJalrXUtnFEMI",
        "authorizationToken": "QVdTOmV5SnB",
        "By": "jane.doe@corp.example",
    }
    text = json.dumps(Scrubber(REAL).scrub(told))
    for real in (REAL, "IOSFODNN7", "0a1b2c3d4e5f67890", "203.0.113.77", "wJalr", "QVdT", "jane"):
        assert real not in text
    assert f"arn:aws:iam::{ACCOUNT}:role/app" in text


def test_the_same_id_gets_the_same_place_holder() -> None:
    """What belongs together still does."""
    one, same, other = Scrubber(REAL).scrub(
        ["subnet-0a1b2c3d4e5f67890", "subnet-0a1b2c3d4e5f67890", "subnet-11111111"]
    )
    assert one == same != other


def test_a_client_answers_from_a_recording(tmp_path: Path) -> None:
    """In the recorded order, with errors and times as botocore gives them; nothing is sent."""
    recorder = Recorder(tmp_path / "calls.jsonl", REAL)
    missing = ClientError(
        {
            "Error": {"Code": "QueueDoesNotExist", "Message": "no"},
            "ResponseMetadata": {"HTTPStatusCode": 400},  # type: ignore[typeddict-item]
        },
        "GetQueueUrl",
    )
    recorder.note(("sqs", "GetQueueUrl"), {"QueueName": "app-jobs"}, error=missing)
    recorder.note(("sqs", "GetQueueUrl"), {"QueueName": "app-jobs"}, answer=ANSWER)
    at = datetime(2026, 1, 2, tzinfo=UTC)
    recorder.note(("sqs", "ListQueues"), {}, answer={"QueueUrls": [], "At": at})

    client = boto3.client(
        "sqs", "eu-west-1", aws_access_key_id="testing", aws_secret_access_key="testing"
    )
    replay(client, tmp_path / "calls.jsonl")

    with pytest.raises(ClientError, match="QueueDoesNotExist"):
        client.get_queue_url(QueueName="app-jobs")
    url = client.get_queue_url(QueueName="app-jobs")["QueueUrl"]
    assert url == f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/app-jobs"
    assert client.list_queues()["At"] == at  # type: ignore[typeddict-item]
