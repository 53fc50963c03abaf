"""The front without a network: an ASGI request in, the messages out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest
from local_batch import LocalBatch

from batchctl.local.execute_api import MAX_BODY as MAX_API_BODY
from batchctl.local.execute_api import Call, Method
from batchctl.local.front import MAX_BODY, Front, Site
from batchctl.local.gateway import WebRequest

GATEWAY, BALANCER = 4566, 9999


class ScriptedGateway:
    """A gateway whose load balancer echoes what reaches it."""

    def __init__(self) -> None:
        self.balancer: Mapping[str, Any] | None = {"DNSName": "batchapp-1.elb.amazonaws.com"}
        self.body = b""
        self.received: bytes | None = None

    def load_balancer_on(self, port: int, region: str, account: str) -> Mapping[str, Any] | None:
        assert (port, region, account) == (BALANCER, "us-east-1", "000000000000")
        return self.balancer

    async def forward(
        self, balancer: Mapping[str, Any], port: int, request: WebRequest, scope: tuple[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        echo = {
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "host": request.headers["host"],
            "accept": request.headers.get("accept"),
            "body": request.body.decode(),
        }
        return 200, {"Content-Type": "application/json"}, self.body or json.dumps(echo).encode()

    def rest_method(self, call: Call, path: str, scope: tuple[str, str]) -> Method | None:
        assert scope == ("000000000000", "us-east-1")
        arn = "arn:aws:execute-api:us-east-1:000000000000:a1/api/PUT/"
        return Method(arn, asks_for_iam=True) if path.startswith("/_aws/execute-api/") else None

    def account_of(self, access_key_id: str) -> str:
        return "111111111111"

    async def asgi(self, scope: Any, receive: Any, send: Any) -> None:
        self.received = (await receive())["body"]
        await send({"type": "http.response.start", "status": 299, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})


class Browser:
    """Sends requests to a front."""

    def __init__(self) -> None:
        self.gateway, self.batch = ScriptedGateway(), LocalBatch()
        site = Site(BALANCER, "000000000000", "us-east-1", {"pid": 7})
        self.front = Front(self.gateway, self.batch.service, site)  # type: ignore[arg-type]  # a double

    def send(self, port: int, method: str, path: str, **options: Any) -> tuple[int, Any]:
        body: bytes = options.get("body", b"")
        chunks = [body[at : at + 65_536] for at in range(0, len(body), 65_536)] or [b""]
        messages = [
            {"type": "http.request", "body": chunk, "more_body": chunk is not chunks[-1]}
            for chunk in chunks
        ]
        scope = {
            "type": "http",
            "server": ("127.0.0.1", port),
            "client": ("127.0.0.1", 5555),
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": options.get("query", b""),
            "headers": options.get("headers", []),
        }
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return messages.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(self.front(scope, receive, send))
        return sent[0]["status"], sent[1]["body"]


@pytest.fixture
def browser() -> Browser:
    return Browser()


def test_the_gateways_port_is_aws(browser: Browser) -> None:
    assert browser.send(GATEWAY, "GET", "/")[0] == 299


def test_a_call_to_a_rest_api_goes_on_whole(browser: Browser) -> None:
    body = b"x" * 200_000
    assert browser.send(GATEWAY, "PUT", "/_aws/execute-api/a1/api/", body=body)[0] == 299
    assert browser.gateway.received == body


def test_a_call_to_a_rest_api_that_is_refused_goes_no_further(browser: Browser) -> None:
    scope = b"AKIA/20261124/us-east-1/execute-api/aws4_request"
    header = b"AWS4-HMAC-SHA256 Credential=" + scope + b", SignedHeaders=host, Signature=0"
    headers = [(b"Authorization", header)]
    status, body = browser.send(GATEWAY, "PUT", "/_aws/execute-api/a1/api/", headers=headers)
    assert status == 403
    assert "111111111111 is not authorized" in json.loads(body)["Message"]
    assert browser.gateway.received is None


def test_a_rest_apis_body_of_ten_megabytes_passes_and_one_byte_more_is_413(
    browser: Browser,
) -> None:
    path = "/_aws/execute-api/a1/api/"
    assert browser.send(GATEWAY, "PUT", path, body=b"x" * MAX_API_BODY)[0] == 299
    assert browser.send(GATEWAY, "PUT", path, body=b"x" * (MAX_API_BODY + 1))[0] == 413


def test_without_a_load_balancer_its_port_answers_503_and_says_so(browser: Browser) -> None:
    browser.gateway.balancer = None
    status, body = browser.send(BALANCER, "GET", "/v1/tasks")
    assert status == 503
    assert "no load balancer has a listener on port 9999" in json.loads(body)["message"]


def test_a_request_reaches_the_load_balancer_under_its_own_name(browser: Browser) -> None:
    status, body = browser.send(
        BALANCER,
        "PUT",
        "/health",
        query=b"a=1&a=2",
        headers=[(b"Accept", b"a"), (b"accept", b"b"), (b"Host", b"127.0.0.1:9999")],
        body=b"hello",
    )
    assert status == 200
    assert json.loads(body) == {
        "method": "PUT",
        "path": "/health",
        "query": {"a": ["1", "2"]},
        "host": "batchapp-1.elb.amazonaws.com:9999",
        "accept": "a, b",
        "body": "hello",
    }


def test_a_body_of_a_megabyte_passes_and_one_byte_more_is_413(browser: Browser) -> None:
    browser.gateway.body = b"taken"
    assert browser.send(BALANCER, "PUT", "/", body=b"x" * MAX_BODY)[0] == 200
    assert browser.send(BALANCER, "PUT", "/", body=b"x" * (MAX_BODY + 1))[0] == 413


def test_an_answer_over_a_megabyte_is_502(browser: Browser) -> None:
    browser.gateway.body = b"x" * (MAX_BODY + 1)
    assert browser.send(BALANCER, "GET", "/")[0] == 502


def test_head_has_no_body(browser: Browser) -> None:
    assert browser.send(BALANCER, "HEAD", "/") == (200, b"")


def test_status_says_which_cloud_this_is_and_whether_it_is_ready(browser: Browser) -> None:
    status, body = browser.send(GATEWAY, "GET", "/_batchctl/status")
    assert (status, json.loads(body)) == (200, {"pid": 7, "is_ready": False})


def test_interrupt_reclaims_running_jobs(browser: Browser) -> None:
    batch = browser.batch
    batch.environment()
    batch.queue()
    batch.definition()
    job_id = batch.submit()
    batch.run(job_id)

    json_type = [(b"content-type", b"application/json")]
    path = "/_batchctl/interrupt"
    status, body = browser.send(GATEWAY, "POST", path, headers=json_type, body=b'{"rate": 1}')

    assert (status, json.loads(body)) == (200, {"interrupted": [job_id]})
    assert browser.send(GATEWAY, "POST", path, headers=json_type, body=b"[]")[0] == 400


def test_a_page_in_a_browser_cannot_interrupt(browser: Browser) -> None:
    plain = [(b"content-type", b"text/plain")]
    assert browser.send(GATEWAY, "POST", "/_batchctl/interrupt", headers=plain)[0] == 404


def test_our_own_doors_are_not_on_the_load_balancers_port(browser: Browser) -> None:
    status, body = browser.send(BALANCER, "GET", "/_batchctl/status")
    assert status == 200
    assert json.loads(body)["path"] == "/_batchctl/status"
