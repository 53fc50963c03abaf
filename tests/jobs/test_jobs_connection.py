"""The way to an endpoint: what is waited out, what is told, and how requests are signed."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import urllib3
from scripted_api import Api, Clock

from batchctl.errors import UsageError
from batchctl.jobs import Forbidden, JobsClient, UnexpectedAnswer, Unreachable
from batchctl.jobs.api import connection
from batchctl.jobs.api.connection import Answer, Request

Connect = Callable[..., JobsClient]

JOB = {
    "job_id": "demo-1",
    "status": "QUEUED",
    "created_at": "2026-11-23T10:00:00.000001Z",
    "items": 2,
    "tasks": {"total": 2, "pending": 2, "running": 0, "succeeded": 0, "failed": 0},
    "results": {},
}


def test_a_door_that_is_just_opening_is_waited_for(
    api: Api, client: JobsClient, clock: Clock
) -> None:
    api.answer(503, b"")
    api.answer(502, b"")
    api.answer(200, JOB)
    assert client.show("demo-1").status == "QUEUED"
    assert clock.slept == [0.2, 0.4]


def test_a_door_that_stays_shut_is_unreachable_with_its_own_words(
    api: Api, client: JobsClient, clock: Clock
) -> None:
    api.answer(503, {"error": "no load balancer listens on 9999"})
    with pytest.raises(Unreachable, match="status 503, no load balancer listens") as raised:
        client.show("demo-1")
    assert "batchctl status" in str(raised.value.hint)
    assert 5 < clock.now_s <= 15


def test_an_endpoint_that_nobody_serves_is_unreachable_soon(connect: Connect, clock: Clock) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(Unreachable) as raised:
            connect(endpoint).show("demo-1")
    assert raised.value.message == f"could not reach `{endpoint}`: connection refused"
    assert clock.now_s <= 3


def test_a_host_that_has_no_address_is_unreachable(connect: Connect) -> None:
    with pytest.raises(Unreachable, match=r"could not reach `http://no-such-host\.invalid:9999`: "):
        connect("http://no-such-host.invalid:9999").show("demo-1")


def test_what_isnt_an_address_is_unreachable_at_once(connect: Connect, clock: Clock) -> None:
    with pytest.raises(Unreachable):
        connect("http://:::").show("demo-1")
    assert clock.slept == []


def test_tls_where_there_is_none_is_not_tried_again(
    api: Api, connect: Connect, clock: Clock
) -> None:
    with pytest.raises(Unreachable):
        connect(api.endpoint.replace("http:", "https:")).show("demo-1")
    assert clock.slept == []


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (200, b"<html>\n<title>router</title>", "status 200, a web page titled `router`"),
        (200, {"job_id": "demo-1"}, "status 200, which isn't of this API"),
        (200, JOB | {"tasks": 2}, "status 200, which isn't of this API"),
        (200, JOB | {"results": []}, "status 200, which isn't of this API"),
        (404, b"<html>nothing\nhere</html>", "status 404, <html>nothing here</html>"),
        (301, b"", "status 301, no text"),
        (500, {"error": "internal error"}, "status 500, internal error"),
    ],
)
def test_an_answer_that_the_api_never_gives_is_told_as_such(
    api: Api, client: JobsClient, status: int, body: object, told: str
) -> None:
    api.answer(status, body)
    with pytest.raises(UnexpectedAnswer) as raised:
        client.show("demo-1")
    assert raised.value.message == (
        f"could not understand the answer to `GET /v1/tasks/demo-1`: {told}"
    )


@pytest.mark.parametrize(
    ("answer", "told", "hint"),
    [
        ({"Message": "User: x is not authorized to perform: y"}, "User: x is not", "needs `execu"),
        ({"message": "Signature expired: 1 is now earlier"}, "Signature expired", "clock"),
        ({"message": "The security token included in the request is expired"}, "is exp", "renew"),
        ({"message": "Credential should be scoped to a valid region"}, "Credential", "`--region`"),
        ({"message": "The security token is invalid"}, "token is invalid", "check the credentials"),
        (b"<html>no</html>", "<html>no</html>", "check the credentials"),
    ],
)
def test_a_refusal_tells_who_asked_why_not_and_what_to_do(
    api: Api, connect: Connect, answer: object, told: str, hint: str
) -> None:
    api.answer(403, answer)
    arn = "arn:aws:iam::123456789012:user/ann"
    client = connect(api.endpoint, sign=lambda request: request.headers, caller=lambda: arn)
    with pytest.raises(Forbidden) as raised:
        client.show("demo-1")
    assert raised.value.message.startswith(f"could not call `GET /v1/tasks/demo-1` as `{arn}`: ")
    assert told in raised.value.message
    assert hint in str(raised.value.hint)


def test_a_refused_request_without_a_signature_is_told_how_to_sign(
    api: Api, client: JobsClient
) -> None:
    api.answer(403, {"message": "Missing Authentication Token"})
    with pytest.raises(Forbidden, match="without a signature: Missing Auth") as raised:
        client.list()
    assert "api.auth: iam" in str(raised.value.hint)


def test_a_signature_covers_the_address_as_it_is_sent(api: Api, connect: Connect) -> None:
    signed: list[Request] = []

    def sign(request: Request) -> dict[str, str]:
        signed.append(request)
        return dict(request.headers)

    api.answer(200, {"jobs": []})
    client = connect(api.endpoint, sign=sign)
    client._connection.exchange("GET", "/v1/tasks?next=a b%2f", more={"accept": "*/*"})
    assert signed[0].url == f"{api.endpoint}{api.asked[0].target}"
    assert api.asked[0].target == "/v1/tasks?next=a%20b%2F"
    assert api.asked[0].headers["accept"] == "*/*"


def test_every_attempt_is_signed_anew(api: Api, connect: Connect) -> None:
    signed: list[Request] = []

    def sign(request: Request) -> dict[str, str]:
        signed.append(request)
        return {**request.headers, "authorization": f"signature {len(signed)}"}

    api.answer(503, b"")
    api.answer(202, JOB | {"tasks": 2, "href": "/v1/tasks/demo-1"})
    connect(api.endpoint + "/", sign=sign).submit("demo-1", ["A"])
    assert [asked.headers["authorization"] for asked in api.asked] == ["signature 1", "signature 2"]
    assert (signed[0].method, signed[0].url) == ("PUT", f"{api.endpoint}/v1/new-task")
    assert signed[0].body == api.asked[0].body


def test_the_environments_proxy_is_used_but_not_for_what_it_excludes(
    api: Api, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    monkeypatch.setenv("http_proxy", api.endpoint.replace("://", "://user:word@"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    api.answer(200, JOB)
    for endpoint in ("http://batch.example:9999", api.endpoint):
        client = JobsClient(endpoint, sleep=clock.sleep, clock=clock)
        client.show("demo-1")
        client._connection._http.clear()
    assert [asked.target for asked in api.asked] == [
        "http://batch.example:9999/v1/tasks/demo-1",
        "/v1/tasks/demo-1",
    ]
    assert api.asked[0].headers["proxy-authorization"] == "Basic dXNlcjp3b3Jk"


def test_the_client_needs_no_boto3() -> None:
    code = "import sys; import batchctl.jobs; sys.exit('boto3' in sys.modules)"
    repository = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=repository)


@pytest.mark.parametrize("endpoint", ["", "127.0.0.1:9999", "ftp://127.0.0.1"])
def test_an_endpoint_that_is_no_url_of_http_is_refused(endpoint: str) -> None:
    with pytest.raises(UsageError, match="could not use endpoint"):
        JobsClient(endpoint)


def test_a_server_that_says_nothing_is_told_as_that(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "TIMEOUT", urllib3.Timeout(connect=5, read=0.05))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(Unreachable, match="no answer in time"):
            connect(endpoint).show("demo-1")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(302, None, "", "https://login.example/?next=x"), "a redirect to `https://login"),
        (Answer(200, None, "<html><title>\nHotel &amp; Wifi</title>"), "titled `Hotel & Wifi`"),
        (Answer(200, None, '{"job_id": "de'), '{"job_id": "de'),
        (Answer(200, None, ""), "no text"),
    ],
)
def test_what_is_no_answer_of_the_api_is_told_as_what_it_is(answer: Answer, said: str) -> None:
    assert said in answer.error


def test_a_retry_after_is_honoured(api: Api, client: JobsClient, clock: Clock) -> None:
    api.headers["Retry-After"] = "7"
    api.answer(429, {"message": "Too Many Requests"})
    api.answer(200, JOB)
    client.show("demo-1")
    assert clock.slept == [7]


def test_a_redirect_is_not_followed_but_named(api: Api, client: JobsClient) -> None:
    api.headers["Location"] = "https://login.example/"
    api.answer(302, b"")
    with pytest.raises(UnexpectedAnswer, match="status 302, a redirect to `https://login"):
        client.show("demo-1")
