"""How a really started local cloud serves many callers of its functions, who need no secret."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError
from local_cloud import Cloud, allow, create_function, expose, invoke, new_settings, send

from batchctl.local.control import process
from batchctl.local.control.record import ACCESS_KEY_ID
from batchctl.local.emulator.function_slots import slots_of_this_machine

pytestmark = pytest.mark.e2e

SLOW = """
    import os, time
    def handler(event, context):
        time.sleep(0.2)
        return {"statusCode": 202, "body": str(os.getpid())}
"""


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud whose load balancer leads to a function of 0.2 s."""
    settings = new_settings(tmp_path_factory.mktemp("crowded"))
    cloud = Cloud(process.start(settings))
    try:
        role = cloud.role("slow", "lambda.amazonaws.com")
        expose(cloud, create_function(cloud, "slow", role, SLOW))
        yield cloud
    finally:
        process.stop(settings.directory)


def test_a_burst_of_clients_waits_its_turn(crowded: Cloud) -> None:
    port = crowded.running.load_balancer_port
    with ThreadPoolExecutor(50) as clients:
        answers = list(clients.map(lambda _: send(port, "PUT", "/"), range(50)))
    assert {status for status, _ in answers} == {202}
    assert len({pid for _, pid in answers}) <= slots_of_this_machine().count


NESTED = """
    import boto3, json
    def handler(event, context):
        if event:
            return "inner"
        call = boto3.client("lambda").invoke(FunctionName="nested", Payload=b'{"inner": true}')
        return "outer of " + json.load(call["Payload"])
"""


def test_functions_that_call_functions_do_not_wait_for_themselves(crowded: Cloud) -> None:
    policy = allow("lambda:InvokeFunction", "*")
    role = crowded.role("nested", "lambda.amazonaws.com", policy)
    create_function(crowded, "nested", role, NESTED)
    count = slots_of_this_machine().count
    with ThreadPoolExecutor(count) as clients:
        answers = list(clients.map(lambda _: invoke(crowded, "nested"), range(count)))
    assert [json.load(each["Payload"]) for each in answers] == ["outer of inner"] * count


def test_each_cloud_has_a_secret_of_its_own(cloud: Cloud, crowded: Cloud) -> None:
    assert cloud.running.root[1] != crowded.running.root[1]
    swapped = cloud.client(
        "sts",
        aws_access_key_id=ACCESS_KEY_ID,
        aws_secret_access_key=crowded.running.root[1],
    )
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        swapped.get_caller_identity()


def test_the_load_balancer_needs_no_signature(crowded: Cloud) -> None:
    assert send(crowded.running.load_balancer_port, "GET", "/")[0] == 202
