"""What is refused before anything of a request is looked at: pages, and requests in disguise."""

from __future__ import annotations

import json
from typing import Any

import pytest

from batchctl.local.front.gatekeeper import refusal

GOOD_HOSTS = [
    "127.0.0.1",
    "127.0.0.1:4566",
    "localhost",
    "localhost:9999",
    "LocalHost:9999",
    "[::1]",
    "[::1]:4566",
    "bucket.localhost:4566",
    "a1b2c3d4.execute-api.localhost",
]
BAD_HOSTS = [
    "",
    " ",
    "evil.example",
    "evil.example:4566",
    "127.0.0.1.evil.example",
    "127.0.0.1.",
    "localhost.",
    "localhost.evil.example",
    "evil-localhost",
    ".localhost",
    "a..localhost",
    "user@127.0.0.1",
    "127.0.0.1@evil.example",
    "127.0.0.1:4566@evil.example",
    "127.0.0.1:",
    "127.0.0.1:abc",
    "127.0.0.1:4566,evil.example",
    "127.0.0.1 evil.example",
    "127.0.0.1/evil",
    "127.0.0.1#",
    "127.1",
    "0.0.0.0",  # noqa: S104 - a name to be refused
    "2130706433",
    "0x7f.1",
    "::1",
    "[::]",
    "[::ffff:127.0.0.1]",
    "front-1.us-east-1.elb.amazonaws.com",
    "a1b2c3d4.execute-api.us-east-1.amazonaws.com",
    "\uff11\uff12\uff17.0.0.1",
    "127.0.0.1\n",
]


def refused(*headers: tuple[str, str], **scope: Any) -> str:
    """Return why a request is refused, empty when it isn't."""
    lines = [(name.encode(), value.encode()) for name, value in headers]
    plain = {"type": "http", "path": "/", "raw_path": b"/", "headers": lines}
    answer = refusal({**plain, **scope})
    if answer is None:
        return ""
    assert (answer[0], answer[1]) == (403, {"Content-Type": "application/json"})
    return str(json.loads(answer[2])["error"])


GOOD = ("Host", "127.0.0.1:4566")


@pytest.mark.parametrize("host", GOOD_HOSTS)
def test_names_of_the_loopback_address_are_taken(host: str) -> None:
    assert refused(("Host", host)) == ""


@pytest.mark.parametrize("host", BAD_HOSTS)
def test_any_other_host_is_refused(host: str) -> None:
    assert "`Host` header" in refused(("Host", host))


def test_a_missing_or_doubled_host_is_refused() -> None:
    assert "`Host` header" in refused()
    assert "more than one `host`" in refused(GOOD, GOOD)
    assert "more than one `host`" in refused(GOOD, ("hOST", "evil.example"))


@pytest.mark.parametrize(
    "header",
    [
        ("Origin", "http://evil.example"),
        ("Origin", "null"),
        ("Origin", ""),
        ("origin", "http://127.0.0.1:4566"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
        ("Sec-Fetch-Site", "same-origin, cross-site"),
        ("Sec-Fetch-Site", ""),
        ("Sec-Fetch-Site", "unknown"),
        ("Referer", "https://evil.example/"),
        ("Referer", "http://127.0.0.1@evil.example/"),
        ("Referer", "http://[bad"),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "authorization"),
        ("Access-Control-Request-Private-Network", "true"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ],
)
def test_what_a_page_sends_is_refused(header: tuple[str, str]) -> None:
    assert "web pages" in refused(GOOD, header)


@pytest.mark.parametrize(
    "header",
    [
        ("Sec-Fetch-Site", "none"),
        ("Sec-Fetch-Site", "same-origin"),
        ("Sec-Fetch-Mode", "navigate"),
        ("Referer", "http://127.0.0.1:4566/v1/tasks"),
        ("User-Agent", "curl/8"),
        ("X-Forwarded-Host", "evil.example"),
    ],
)
def test_what_a_user_sends_is_taken(header: tuple[str, str]) -> None:
    assert refused(GOOD, header) == ""


def test_one_good_header_hides_no_bad_one() -> None:
    sites = [("Sec-Fetch-Site", "none"), ("Sec-Fetch-Site", "cross-site")]
    assert "web pages" in refused(GOOD, *sites)
    assert "web pages" in refused(GOOD, *reversed(sites))


@pytest.mark.parametrize("target", ["http://127.0.0.1:4566/", "*", "evil.example:80", "//x/", ""])
def test_a_target_that_is_no_path_is_refused(target: str) -> None:
    expected = "" if target == "//x/" else "the request target must be a path"
    assert refused(GOOD, path=target, raw_path=target.encode()) == expected


@pytest.mark.parametrize(
    "headers",
    [
        [("Authorization", "a"), ("authorization", "b")],
        [("Content-Length", "1"), ("Content-Length", "1")],
        [("Content-Length", "1"), ("Transfer-Encoding", "chunked")],
        [("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")],
        [("X-Amz-Date", "1"), ("X-Amz-Date", "2")],
    ],
)
def test_headers_that_can_be_read_in_two_ways_are_refused(
    headers: list[tuple[str, str]],
) -> None:
    assert refused(GOOD, *headers) != ""


@pytest.mark.parametrize("version", ["2", "3", "0.9"])
def test_only_http_1_is_spoken(version: str) -> None:
    assert "HTTP/1.1" in refused(GOOD, http_version=version)
