"""What a browser's requests give away: whom they think they talk to, and whose page sent them.

All of them carry root's own signature, or go where none is needed: nothing but the Host, Origin or
Sec-Fetch-Site can be what they are refused for.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace

import pytest
from http_by_hand import Answer, Request, exchange, parsed
from victim import Victim

pytestmark = pytest.mark.e2e

FOREIGN_HOSTS = (
    "evil.example",
    "evil.example:{port}",
    "EVIL.EXAMPLE:{port}",
    "evil.example.:{port}",
    "127.0.0.1.evil.example:{port}",
    "localhost.evil.example:{port}",
    "127.0.0.1.nip.example:{port}",
    "evillocalhost:{port}",
    "localhost@evil.example:{port}",
    "evil.example@localhost:{port}",
    "evil.example#.localhost:{port}",
    "evil.example/.localhost:{port}",
    "evil.example\\.localhost:{port}",
    "evil.example .localhost:{port}",
    "evil.example,localhost",
    "localhost,evil.example",
    "0.0.0.0:{port}",
    "10.0.0.1:{port}",
    "[::ffff:10.0.0.1]:{port}",
    "[fe80::1]:{port}",
    "sqs.us-east-1.amazonaws.com",
    "bucket.s3.amazonaws.com",
    "abcdef1234.execute-api.us-east-1.amazonaws.com",
    "front-123.us-east-1.elb.amazonaws.com:{port}",
    "ministack:{port}",
    "localstack:{port}",
    "host.docker.internal:{port}",
    "{machine}:{port}",
    "",
    ":{port}",
)
OTHER_SPELLINGS = (
    "2130706433:{port}",
    "0x7f000001:{port}",
    "017700000001:{port}",
    "127.1:{port}",
    "[::ffff:127.0.0.1]:{port}",
    "localhost:{port}:{port}",
    "[::1",
    "127.0.0.1:{port}, evil.example",
)
LOOPBACK_HOSTS = (
    "127.0.0.1:{port}",
    "localhost:{port}",
    "LocalHost:{port}",
    "[::1]:{port}",
    "127.0.0.1",
)
OWN_NAME = "batchapp.localhost:{port}"
"""One that browsers find on this machine too; to AWS itself it would be a bucket's."""

ORIGINS = (
    "https://evil.example",
    "http://evil.example",
    "null",
    "http://localhost",
    "http://127.0.0.1:{port}",
    "chrome-extension://abcdefghijklmnop",
    "file://",
    "",
)
SITES = ("cross-site", "same-site", "CROSS-SITE", "same-origin, cross-site", "other", "")
METHODS = ("GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH", "TRACE")

Send = Callable[[Victim, str, Request], Answer]


def to_gateway(victim: Victim, host: str, request: Request) -> Answer:
    """List the queues as root, with a right signature for that Host."""
    query = "Action=ListQueues&Version=2012-11-05"
    named = replace(request, target=f"/?{query}").having(Host=host)
    return victim.to_gateway(victim.as_root(named, "sqs"))


def to_balancer(victim: Victim, host: str, request: Request) -> Answer:
    """Ask the function behind the load balancer, which takes no signature."""
    return victim.to_balancer(replace(request, target="/health").having(Host=host))


def to_open_api(victim: Victim, host: str, request: Request) -> Answer:
    """Ask the function behind the API that takes no signature."""
    target = f"/_aws/execute-api/{victim.open_api}/v1/"
    return victim.to_gateway(replace(request, target=target).having(Host=host))


def to_status(victim: Victim, host: str, request: Request) -> Answer:
    """Ask for what the cloud says of itself."""
    named = replace(request, target="/_batchctl/status").having(Host=host)
    return victim.to_gateway(named)


PORTS = {"AWS": "gateway", "load balancer": "balancer", "REST API": "gateway", "ours": "gateway"}
SENDERS: dict[str, Send] = {
    "AWS": to_gateway,
    "load balancer": to_balancer,
    "REST API": to_open_api,
    "ours": to_status,
}
doors = pytest.mark.parametrize("door", SENDERS)


def ask(victim: Victim, door: str, host: str, request: Request) -> Answer:
    port = getattr(victim, PORTS[door])
    return SENDERS[door](victim, host.format(port=port, machine=socket.gethostname()), request)


@pytest.mark.parametrize(
    ("door", "host"),
    [
        *((door, host) for door in ("AWS", "load balancer", "REST API") for host in LOOPBACK_HOSTS),
        ("load balancer", OWN_NAME),
        ("REST API", OWN_NAME),
    ],
)
def test_this_machine_is_let_in_by_its_own_names(victim: Victim, door: str, host: str) -> None:
    answer = ask(victim, door, host, Request("GET", ""))
    assert (answer.status, answer.lets_pages_read_it) == (200, False), answer


@doors
@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_another_name_is_refused_whatever_it_asks_for(victim: Victim, door: str, host: str) -> None:
    methods = [ask(victim, door, host, Request(method, "")) for method in METHODS]
    assert [answer.status for answer in methods] == [403] * len(METHODS)
    assert not any(answer.lets_pages_read_it for answer in methods)


@doors
@pytest.mark.parametrize("host", OTHER_SPELLINGS)
def test_other_spellings_of_the_loopback_address_are_refused(
    victim: Victim, door: str, host: str
) -> None:
    assert ask(victim, door, host, Request("GET", "")).is_refusal


@doors
@pytest.mark.parametrize("origin", ORIGINS)
def test_a_page_is_refused_whatever_its_origin(victim: Victim, door: str, origin: str) -> None:
    port = getattr(victim, PORTS[door])
    headers = (("Origin", origin.format(port=port)),)
    answers = [
        ask(victim, door, "127.0.0.1:{port}", Request(each, "", headers)) for each in METHODS
    ]
    assert [answer.status for answer in answers] == [403] * len(METHODS)
    assert not any(answer.lets_pages_read_it for answer in answers)


@doors
@pytest.mark.parametrize("site", SITES)
def test_a_request_that_another_site_caused_is_refused(
    victim: Victim, door: str, site: str
) -> None:
    headers = (("Sec-Fetch-Site", site), ("Sec-Fetch-Mode", "navigate"))
    answers = [
        ask(victim, door, "127.0.0.1:{port}", Request(each, "", headers)) for each in METHODS
    ]
    assert [answer.status for answer in answers] == [403] * len(METHODS)


@pytest.mark.parametrize("site", ["none", "same-origin"])
def test_a_person_may_open_the_endpoint_in_a_browser(victim: Victim, site: str) -> None:
    headers = (("Sec-Fetch-Site", site), ("Sec-Fetch-Mode", "navigate"))
    answer = ask(victim, "load balancer", "127.0.0.1:{port}", Request("GET", "", headers))
    assert answer.status == 200


@doors
def test_the_second_of_two_hosts_origins_or_sites_is_refused_too(victim: Victim, door: str) -> None:
    port = getattr(victim, PORTS[door])
    own = f"127.0.0.1:{port}"
    pairs = [
        (("Host", own), ("Host", "evil.example")),
        (("Host", "evil.example"), ("Host", own)),
        (("Host", own), ("Sec-Fetch-Site", "none"), ("Sec-Fetch-Site", "cross-site")),
        (("Host", own), ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Site", "none")),
        (("Host", own), ("oRiGiN", "https://evil.example")),
    ]
    target = {"AWS": "/?Action=ListQueues", "load balancer": "/health", "ours": "/_batchctl/status"}
    requests = [Request("GET", target.get(door, f"/restapis/{victim.open_api}"), p) for p in pairs]
    answers = [parsed(exchange(port, request.written())) for request in requests]
    assert all(answer.is_refusal for answer in answers), answers


@doors
def test_a_forwarded_host_lets_nobody_in(victim: Victim, door: str) -> None:
    headers = tuple(
        (name, "127.0.0.1") for name in ("X-Forwarded-Host", "X-Original-Host", "X-Host")
    )
    forwarded = (*headers, ("Forwarded", "host=127.0.0.1;for=127.0.0.1"))
    answer = ask(victim, door, "evil.example:{port}", Request("GET", "", forwarded))
    assert answer.status == 403


@pytest.mark.parametrize("port", ["gateway", "balancer"])
def test_the_target_cannot_name_another_host(victim: Victim, port: str) -> None:
    number = getattr(victim, port)
    headers = (("Host", f"127.0.0.1:{number}"),)
    written = Request("GET", "http://evil.example/health", headers).written()
    assert parsed(exchange(number, written)).is_refusal


@pytest.mark.parametrize("port", ["gateway", "balancer"])
def test_a_request_without_a_host_is_refused(victim: Victim, port: str) -> None:
    number = getattr(victim, port)
    for version in (b"HTTP/1.0", b"HTTP/1.1"):
        content = b"GET /health " + version + b"\r\nConnection: close\r\n\r\n"
        assert parsed(exchange(number, content)).is_refusal


@pytest.mark.parametrize("port", ["gateway", "balancer"])
@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1:{port}", "https://evil.example"),
        ("127.0.0.1:{port}", "http://127.0.0.1:{port}"),
        ("evil.example:{port}", "http://evil.example:{port}"),
        ("127.0.0.1:{port}", ""),
    ],
)
def test_no_web_socket_is_opened(victim: Victim, port: str, host: str, origin: str) -> None:
    number = getattr(victim, port)
    headers = (
        ("Host", host.format(port=number)),
        *((("Origin", origin.format(port=number)),) if origin else ()),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Version", "13"),
    )
    content = Request("GET", "/", headers).written().replace(b"Connection: close\r\n", b"")
    assert parsed(exchange(number, content)).is_refusal
