"""HTTP/2, where the Host is a pseudo-header, `:authority`: the cloud doesn't speak it."""

from __future__ import annotations

import socket

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, DataReceived, ResponseReceived, StreamEnded, StreamReset
from victim import Victim

pytestmark = pytest.mark.e2e

TIMEOUT_S = 60.0
ENDED = 0
"""Stands for a stream or connection that was ended without an answer."""


def ask(port: int, authority: str, *headers: tuple[str, str], method: str = "GET") -> int:
    """Send one request over HTTP/2; return its status."""
    # Unchecked, as an attacker's own client would be.
    connection = H2Connection(H2Configuration(validate_outbound_headers=False))
    connection.initiate_connection()
    path = "/?Action=ListQueues"
    named = [(":method", method), (":scheme", "http"), (":path", path), (":authority", authority)]
    connection.send_headers(1, [*named, *headers], end_stream=True)
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as opened:
        opened.sendall(connection.data_to_send())
        return status(opened, connection)


def status(opened: socket.socket, connection: H2Connection) -> int:
    while content := opened.recv(65536):
        for event in connection.receive_data(content):
            if isinstance(event, ResponseReceived):
                found = {bytes(name): bytes(value) for name, value in event.headers}
                assert not any(name.startswith(b"access-control-") for name in found)
                return int(found[b":status"])
            if isinstance(event, ConnectionTerminated | StreamReset | StreamEnded):
                return ENDED
            assert not isinstance(event, DataReceived)
        opened.sendall(connection.data_to_send())
    return ENDED


@pytest.mark.parametrize("port", ["gateway", "balancer"])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
@pytest.mark.parametrize(
    ("authority", "headers"),
    [
        ("127.0.0.1:{port}", ()),
        ("evil.example:{port}", ()),
        ("evil.example:{port}", (("host", "127.0.0.1:{port}"),)),
        ("127.0.0.1:{port}", (("host", "evil.example"),)),
        ("127.0.0.1:{port}", (("origin", "https://evil.example"),)),
        ("127.0.0.1:{port}", (("sec-fetch-site", "cross-site"),)),
        ("localhost@evil.example:{port}", ()),
    ],
)
def test_nothing_is_served_over_http2(
    victim: Victim,
    port: str,
    method: str,
    authority: str,
    headers: tuple[tuple[str, str], ...],
) -> None:
    number = getattr(victim, port)
    given = tuple((name, value.format(port=number)) for name, value in headers)
    got = ask(number, authority.format(port=number), *given, method=method)
    assert got in {403, 400, ENDED}
