"""Requests that are no HTTP, or hardly: answered or closed at once, without a trace or a 5xx."""

from __future__ import annotations

import gzip
import socket
from contextlib import ExitStack

import pytest
from http_by_hand import Request, exchange
from victim import MARKER, Victim

pytestmark = pytest.mark.e2e

PROMPTLY_S = 8.0
BODY = b'{"job_id": "raw", "universe": ["A"]}'
HOST = b"Host: 127.0.0.1:%d\r\n"
REFRAMED = b"POST /x HTTP/1.1\r\n%sConnection: close\r\n"

MALFORMED: dict[str, bytes] = {
    "no request": b"\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200) + b"\r\n\r\n",
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "HTTP/0.9": b"GET /x\r\n\r\n",
    "HTTP/9.9": b"GET /x HTTP/9.9\r\n%sConnection: close\r\n\r\n",
    "a method with a control character": b"GE\x01T /x HTTP/1.1\r\n%sConnection: close\r\n\r\n",
    "a long method": b"A" * 5000 + b" /x HTTP/1.1\r\n%sConnection: close\r\n\r\n",
    "no target": b"GET HTTP/1.1\r\n%sConnection: close\r\n\r\n",
    "an asterisk": b"OPTIONS * HTTP/1.1\r\n%sConnection: close\r\n\r\n",
    "a target with a zero byte": b"GET /a\x00b HTTP/1.1\r\n%sConnection: close\r\n\r\n",
    "a target that is no UTF-8": b"GET /\xff\xfe HTTP/1.1\r\n%sConnection: close\r\n\r\n",
    "an encoded target that is no UTF-8": b"GET /%%ff%%fe HTTP/1.1\r\n%sConnection: close\r\n\r\n",
    "a query that is no UTF-8": b"GET /x?a=\xff HTTP/1.1\r\n%sConnection: close\r\n\r\n",
    "an encoded line's end": b"GET /a%%0d%%0aX: 1 HTTP/1.1\r\n%sConnection: close\r\n\r\n",
    "a long target": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n%sConnection: close\r\n\r\n",
    "a header without a colon": b"GET /x HTTP/1.1\r\n%sXYZ\r\n\r\n",
    "a header with a zero byte": b"GET /x HTTP/1.1\r\n%sX: a\x00b\r\n\r\n",
    "a header that is no UTF-8": b"GET /x HTTP/1.1\r\n%sX: \xff\r\nConnection: close\r\n\r\n",
    "a header's name with a space": b"GET /x HTTP/1.1\r\n%sX A: b\r\n\r\n",
    "a folded header": b"GET /x HTTP/1.1\r\n%sX: 1\r\n 2\r\nConnection: close\r\n\r\n",
    "a large header": b"GET /x HTTP/1.1\r\n%sX: " + b"a" * 200_000 + b"\r\n\r\n",
    "many headers": b"GET /x HTTP/1.1\r\n%s" + b"X: 1\r\n" * 20_000 + b"\r\n",
    "bare line feeds": b"GET /x HTTP/1.1\n%sConnection: close\n\n",
    "a negative length": REFRAMED + b"Content-Length: -5\r\n\r\n{}",
    "a length with a plus": REFRAMED + b"Content-Length: +2\r\n\r\n{}",
    "two lengths": REFRAMED + b"Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}",
    "a length and chunks": REFRAMED
    + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /y HTTP/1.1\r\n\r\n",
    "an encoding's name with a space": REFRAMED + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a chunk of no size": REFRAMED + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "a chunk of negative size": REFRAMED + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n{}\r\n\r\n",
    "an endless chunk size": REFRAMED
    + b"Transfer-Encoding: chunked\r\n\r\n"
    + b"0" * 100_000
    + b"\r\n\r\n",
    "a digit that is none": REFRAMED + b"Content-Length: \xb2\r\n\r\n{}",
    "half of a gzip": REFRAMED
    + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(gzip.compress(BODY)[:-9])
    + gzip.compress(BODY)[:-9].replace(b"%", b"%%"),
    "a label that lies": REFRAMED
    + b"Content-Encoding: deflate\r\nContent-Length: %d\r\n\r\n" % len(BODY)
    + BODY,
}


@pytest.mark.parametrize("port", ["gateway", "balancer"])
@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_request_is_answered_or_closed_at_once(
    victim: Victim, port: str, name: str
) -> None:
    number = getattr(victim, port)
    content = MALFORMED[name].replace(b"%s", HOST % number).replace(b"%%", b"%")
    answer = ended(number, content)
    assert not answer.startswith(b"HTTP/1.1 5"), answer[:300]
    assert b"Traceback" not in answer
    assert b"access-control-" not in answer.lower()


@pytest.mark.parametrize("port", ["gateway", "balancer"])
def test_an_unknown_encoding_is_refused_as_http_says(victim: Victim, port: str) -> None:
    """RFC 9112, section 6.1: 501."""
    number = getattr(victim, port)
    head = REFRAMED.replace(b"%s", HOST % number) + b"Transfer-Encoding: xchunked\r\n\r\n{}"
    assert ended(number, head).startswith(b"HTTP/1.1 501 ")


def ended(port: int, content: bytes) -> bytes:
    """Send bytes, and say that no more come; return the answer. TimeoutError if it doesn't end."""
    with socket.create_connection(("127.0.0.1", port), timeout=PROMPTLY_S) as connection:
        parts = []
        try:
            connection.sendall(content)
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65536):
                parts.append(part)
        except OSError as error:
            if isinstance(error, TimeoutError):
                raise  # else the other side has closed before it had read all
        return b"".join(parts)


@pytest.mark.parametrize("port", ["gateway", "balancer"])
def test_a_hundred_half_open_connections_hold_up_nobody(victim: Victim, port: str) -> None:
    number = getattr(victim, port)
    with ExitStack() as opened:
        for _ in range(100):
            connection = socket.create_connection(("127.0.0.1", number))
            opened.enter_context(connection)
            connection.sendall(b"GET /x HTTP/1.1\r\nX: ")
        request = Request("GET", "/health", (("Host", f"127.0.0.1:{number}"),))
        assert exchange(number, request.written(), PROMPTLY_S).startswith(b"HTTP/1.1 ")


def test_the_cloud_has_noted_no_trace_and_lives(victim: Victim) -> None:
    assert MARKER in victim.names()
    assert "Traceback" not in (victim.directory / "cloud.log").read_text(encoding="utf-8")
