"""The front without a network: an ASGI request in, the messages out."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from local_batch import LocalBatch

from batchctl.local.emulator.ministack import WebRequest
from batchctl.local.front.execute_api import MAX_BODY as MAX_API_BODY
from batchctl.local.front.execute_api import Method
from batchctl.local.front.http_front import MAX_BODY, FrontConfig, HttpFront, Locks
from batchctl.local.front.registry import Passwords
from batchctl.local.front.sigv4 import Call, SignatureError
from batchctl.local.front.verifier import Credential, Verifier

GATEWAY, BALANCER = 4566, 9999
SECRET = "root's own"
HOST = (b"host", b"127.0.0.1:4566")
OPENED = (b"authorization", b"Bearer root's own")
API = "/_aws/execute-api/a1/api/"
STRANGERS = {"AKIASTRANGER": Credential("111111111111", "known")}


class ScriptedMiniStack:
    """A MiniStack whose load balancer echoes what reaches it."""

    def __init__(self) -> None:
        self.balancer: Mapping[str, Any] | None = {"DNSName": "batchapp-1.elb.amazonaws.com"}
        self.body = b""
        self.received: bytes | None = None
        self.authorization = "AWS_IAM"
        self.read_key = ""
        self.is_stageless = False
        self.headers: list[tuple[bytes, bytes]] = []

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
        headers = {"Content-Type": "application/json", "Access-Control-Allow-Origin": "*"}
        return 200, headers, self.body or json.dumps(echo).encode()

    def rest_method(self, call: Call, path: str, scope: tuple[str, str]) -> Method | None:
        assert scope == ("000000000000", "us-east-1")
        arn = "arn:aws:execute-api:us-east-1:000000000000:a1/api/PUT/"
        return Method(arn, self.authorization) if path.startswith("/_aws/execute-api/") else None

    def api_refusal(self, call: Call, method: Method, error: SignatureError) -> Any:
        return None if self.is_stageless else (403, {}, json.dumps({"error": error.code}).encode())

    def key_in(self, call: Call) -> str:
        return self.read_key or call.headers["authorization"].split("=")[1].split("/")[0]

    def is_registry(self, path: str) -> bool:
        return path.startswith("/v2/")

    def refusal(
        self, call: Call, path: str, error: SignatureError
    ) -> tuple[int, dict[str, str], bytes]:
        return 403, {}, error.code.encode()

    async def asgi(self, scope: Any, receive: Any, send: Any) -> None:
        self.received = (await receive())["body"]
        await send({"type": "http.response.start", "status": 299, "headers": self.headers})
        await send({"type": "http.response.body", "body": b"{}"})


class Browser:
    """Sends requests to a front."""

    def __init__(self) -> None:
        self.ministack, self.batch = ScriptedMiniStack(), LocalBatch()
        config = FrontConfig(BALANCER, "000000000000", "us-east-1", {"pid": 7})
        self.passwords = Passwords()
        verifier = Verifier(SECRET, STRANGERS.get, time.time)
        locks = Locks(SECRET, verifier, self.passwords)
        self.front = HttpFront(self.ministack, self.batch.service, config, locks)  # type: ignore[arg-type]  # a double
        self.sent: list[dict[str, Any]] = []

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
            "raw_path": options.get("raw_path", path.encode()),
            "query_string": options.get("query", b""),
            "headers": [HOST, *options.get("headers", [])],
        }
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return messages.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(self.front(scope, receive, send))
        self.sent = sent
        return sent[0]["status"], sent[1]["body"]


@pytest.fixture
def browser() -> Browser:
    return Browser()


def signed(
    method: str, path: str, body: bytes = b"", user: tuple[str, str] = ("000000000000", SECRET)
) -> list[tuple[bytes, bytes]]:
    """Return the headers of a request that botocore has signed."""
    service = "execute-api" if path.startswith(API) else "sqs"
    request = AWSRequest(method, f"http://127.0.0.1:4566{path}", {}, body)
    SigV4Auth(Credentials(*user), service, "us-east-1").add_auth(request)
    return [(name.encode(), value.encode()) for name, value in request.headers.items()]


def test_the_gateways_port_is_aws_for_whoever_signs(browser: Browser) -> None:
    headers = signed("POST", "/", b"whole")
    assert browser.send(GATEWAY, "POST", "/", headers=headers, body=b"whole")[0] == 299
    assert browser.ministack.received == b"whole"


def test_an_unsigned_call_goes_no_further(browser: Browser) -> None:
    answer = browser.send(GATEWAY, "POST", "/", body=b"whole")
    assert answer == (403, b"MissingAuthenticationToken")
    assert browser.ministack.received is None


def test_another_body_than_the_signed_one_goes_no_further(browser: Browser) -> None:
    headers = signed("POST", "/", b"whole")
    answer = browser.send(GATEWAY, "POST", "/", headers=headers, body=b"other")
    assert answer == (403, b"SignatureDoesNotMatch")
    assert browser.ministack.received is None


def test_a_key_that_the_emulator_would_read_otherwise_is_refused(browser: Browser) -> None:
    browser.ministack.read_key = "222222222222"
    answer = browser.send(GATEWAY, "GET", "/", headers=signed("GET", "/"))
    assert answer == (403, b"SignatureDoesNotMatch")


@pytest.mark.parametrize(
    "path",
    [
        "/_ministack/reset",
        "/_ministack/health",
        "/_localstack/health",
        "/_aws/lambda-url/x/",
        "/_alb/front/",
        "/_batchctl",
        "/health",
    ],
)
def test_the_emulators_private_paths_are_closed_even_to_root(browser: Browser, path: str) -> None:
    status, body = browser.send(GATEWAY, "POST", path, headers=signed("POST", path))
    assert (status, json.loads(body)) == (403, {"error": f"`{path}` is closed"})
    assert browser.ministack.received is None


def test_the_image_registry_asks_for_a_password_that_was_given_out(browser: Browser) -> None:
    good, _ = browser.passwords.issue()
    forged = base64.b64encode(b"AWS:ministack-auth-token").decode()
    for path in ("/v2/", "/v2/a/manifests/1"):
        status, _ = browser.send(GATEWAY, "GET", path)
        assert status == 401
        assert (b"www-authenticate", b'Basic realm="local ECR",service="ecr.amazonaws.com"') in (
            browser.sent[0]["headers"]
        )
        for token, expected in ((good, 299), (forged, 401), ("?", 401)):
            headers = [(b"authorization", f"Basic {token}".encode())]
            assert browser.send(GATEWAY, "GET", path, headers=headers)[0] == expected


def test_a_password_of_the_registry_opens_nothing_else(browser: Browser) -> None:
    headers = [(b"authorization", f"Basic {browser.passwords.issue()[0]}".encode())]
    assert browser.send(GATEWAY, "GET", "/", headers=headers)[0] == 403
    root = b"X-Amz-Credential=000000000000/x"
    assert browser.send(GATEWAY, "GET", "/v2/", headers=headers, query=root)[0] == 401


@pytest.mark.parametrize("port", [GATEWAY, BALANCER])
def test_no_answer_lets_a_page_read_it(browser: Browser, port: int) -> None:
    browser.ministack.headers = [(b"Access-Control-Allow-Origin", b"*"), (b"etag", b"1")]
    assert browser.send(port, "GET", "/", headers=signed("GET", "/"))[0] in {200, 299}
    names = [name.lower() for name, _ in browser.sent[0]["headers"]]
    assert not [name for name in names if name.startswith(b"access-control-")]


@pytest.mark.parametrize("port", [GATEWAY, BALANCER])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "HEAD"])
def test_a_page_is_refused_on_both_ports(browser: Browser, port: int, method: str) -> None:
    origin = (b"Origin", b"http://127.0.0.1:9999")
    headers = [*signed(method, "/"), origin]
    assert browser.send(port, method, "/", headers=headers)[0] == 403
    assert browser.ministack.received is None


@pytest.mark.parametrize("port", [GATEWAY, BALANCER])
def test_there_are_no_websockets(browser: Browser, port: int) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "websocket", "server": ("127.0.0.1", port), "path": "/", "headers": [HOST]}
    asyncio.run(browser.front(scope, None, send))  # type: ignore[arg-type]  # it reads nothing
    assert sent == [{"type": "websocket.close"}]


def test_a_call_to_a_rest_api_goes_on_whole(browser: Browser) -> None:
    body = b"x" * 200_000
    headers = signed("PUT", API, body)
    assert browser.send(GATEWAY, "PUT", API, body=body, headers=headers)[0] == 299
    assert browser.ministack.received == body


def test_a_call_to_a_rest_api_that_is_refused_goes_no_further(browser: Browser) -> None:
    headers = signed("PUT", API, user=("AKIASTRANGER", "known"))
    status, body = browser.send(GATEWAY, "PUT", API, headers=headers)
    assert status == 403
    assert "111111111111 is not authorized" in json.loads(body)["Message"]
    assert browser.ministack.received is None


@pytest.mark.parametrize(
    ("authorization", "expected"),
    [("NONE", 299), ("AWS_IAM", 299), ("", 299), ("CUSTOM", 403), ("COGNITO_USER_POOLS", 403)],
)
def test_unsigned_calls_reach_what_is_open_or_what_the_emulator_refuses(
    browser: Browser, authorization: str, expected: int
) -> None:
    browser.ministack.authorization = authorization
    assert browser.send(GATEWAY, "PUT", API)[0] == expected


@pytest.mark.parametrize(
    ("authorization", "expected"), [("NONE", 299), ("AWS_IAM", 403), ("", 403)]
)
def test_what_is_no_signature_is_for_a_users_own_function_alone(
    browser: Browser, authorization: str, expected: int
) -> None:
    browser.ministack.authorization = authorization
    for value in (b"Bearer token", b"Basic dXNlcg=="):
        headers = [(b"authorization", value)]
        assert browser.send(GATEWAY, "PUT", API, headers=headers)[0] == expected


def test_an_api_called_by_its_host_name_asks_for_a_signature(browser: Browser) -> None:
    # Its path may be one that the emulator keeps for itself.
    browser.ministack.authorization = "NONE"
    assert browser.send(GATEWAY, "PUT", API, raw_path=b"/v1/new-task")[0] == 403


def test_a_forged_signature_is_refused_in_the_apis_own_words_where_it_has_any(
    browser: Browser,
) -> None:
    headers = signed("PUT", API, user=("000000000000", "guessed"))
    _, body = browser.send(GATEWAY, "PUT", API, headers=headers)
    assert json.loads(body) == {"error": "SignatureDoesNotMatch"}
    browser.ministack.is_stageless = True
    _, body = browser.send(GATEWAY, "PUT", API, headers=headers)
    assert "does not match" in json.loads(body)["message"]


@pytest.mark.parametrize("authorization", ["NONE", "AWS_IAM", ""])
def test_a_forged_signature_is_refused_even_where_none_is_needed(
    browser: Browser, authorization: str
) -> None:
    browser.ministack.authorization = authorization
    headers = signed("PUT", API, user=("000000000000", "guessed"))
    assert browser.send(GATEWAY, "PUT", API, headers=headers)[0] == 403
    query = b"X-Amz-Credential=000000000000/20261130/us-east-1/execute-api/aws4_request"
    assert browser.send(GATEWAY, "PUT", API, query=query)[0] == 403
    assert browser.ministack.received is None


def test_a_rest_apis_body_of_ten_megabytes_passes_and_one_byte_more_is_413(
    browser: Browser,
) -> None:
    for size, expected in ((MAX_API_BODY, 299), (MAX_API_BODY + 1, 413)):
        body = b"x" * size
        headers = signed("PUT", API, body)
        assert browser.send(GATEWAY, "PUT", API, body=body, headers=headers)[0] == expected


def test_without_a_load_balancer_its_port_answers_503_and_says_so(browser: Browser) -> None:
    browser.ministack.balancer = None
    status, body = browser.send(BALANCER, "GET", "/v1/tasks")
    assert status == 503
    assert "no load balancer has a listener on port 9999" in json.loads(body)["error"]


def test_a_request_reaches_the_load_balancer_under_its_own_name(browser: Browser) -> None:
    status, body = browser.send(
        BALANCER,
        "PUT",
        "/health",
        query=b"a=1&a=2",
        headers=[(b"Accept", b"a"), (b"accept", b"b")],
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
    browser.ministack.body = b"taken"
    assert browser.send(BALANCER, "PUT", "/", body=b"x" * MAX_BODY)[0] == 200
    status, body = browser.send(BALANCER, "PUT", "/", body=b"x" * (MAX_BODY + 1))
    assert (status, list(json.loads(body))) == (413, ["error"])


def test_an_answer_over_a_megabyte_is_502(browser: Browser) -> None:
    browser.ministack.body = b"x" * (MAX_BODY + 1)
    status, body = browser.send(BALANCER, "GET", "/")
    assert (status, list(json.loads(body))) == (502, ["error"])


def test_head_has_no_body(browser: Browser) -> None:
    assert browser.send(BALANCER, "HEAD", "/") == (200, b"")


def test_status_says_which_cloud_this_is_and_whether_it_is_ready(browser: Browser) -> None:
    status, body = browser.send(GATEWAY, "GET", "/_batchctl/status", headers=[OPENED])
    assert (status, json.loads(body)) == (200, {"pid": 7, "is_ready": False})


def test_interrupt_reclaims_running_jobs(browser: Browser) -> None:
    batch = browser.batch
    batch.environment()
    batch.queue()
    batch.definition()
    job_id = batch.submit()
    batch.run(job_id)

    json_type = [(b"content-type", b"application/json"), OPENED]
    path = "/_batchctl/interrupt"
    status, body = browser.send(GATEWAY, "POST", path, headers=json_type, body=b'{"rate": 1}')

    assert (status, json.loads(body)) == (200, {"interrupted": [job_id]})
    assert browser.send(GATEWAY, "POST", path, headers=json_type, body=b"[]")[0] == 400


def test_a_page_in_a_browser_cannot_interrupt(browser: Browser) -> None:
    plain = [(b"content-type", b"text/plain"), OPENED]
    assert browser.send(GATEWAY, "POST", "/_batchctl/interrupt", headers=plain)[0] == 404


@pytest.mark.parametrize("path", ["/_batchctl/status", "/_batchctl/interrupt", "/_batchctl/x"])
@pytest.mark.parametrize("value", [None, b"Bearer ", b"Bearer root's", b"root's own"])
def test_our_own_paths_ask_for_the_secret(browser: Browser, path: str, value: bytes | None) -> None:
    headers = [] if value is None else [(b"authorization", value)]
    status, body = browser.send(GATEWAY, "POST", path, headers=headers)
    assert status == 403
    assert b"7" not in body


def test_our_own_doors_are_not_on_the_load_balancers_port(browser: Browser) -> None:
    status, body = browser.send(BALANCER, "GET", "/_batchctl/status")
    assert status == 200
    assert json.loads(body)["path"] == "/_batchctl/status"
