"""HTTP as an attacker writes it: any header, any target, byte for byte."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass, replace
from http.client import HTTPResponse
from io import BytesIO
from typing import Any, cast

TIMEOUT_S = 60.0

REFUSALS = (400, 401, 403)
"""The statuses with which AWS refuses a signature (IncompleteSignature, for one, is a 400)."""

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Request:
    """A request before it is sent; its length is added where nothing else frames its body."""

    method: str
    target: str
    headers: Headers = ()
    body: bytes = b""

    def value(self, name: str) -> str:
        """Return the header's first value, empty when there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    def names(self, name: str) -> bool:
        """Return whether it has such a header, be it empty."""
        return any(key.lower() == name.lower() for key, _ in self.headers)

    def having(self, **headers: str) -> Request:
        """Return it with these headers in place of any of their names (`_` stands for `-`)."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        names = {name.lower() for name in given}
        kept = tuple(each for each in self.headers if each[0].lower() not in names)
        return replace(self, headers=(*kept, *given.items()))

    def adding(self, name: str, value: str) -> Request:
        """Return it with one more header, which may repeat one."""
        return replace(self, headers=(*self.headers, (name, value)))

    def without(self, name: str) -> Request:
        """Return it without any header of that name."""
        kept = tuple(each for each in self.headers if each[0].lower() != name.lower())
        return replace(self, headers=kept)

    def written(self) -> bytes:
        """Return the bytes that are sent."""
        framing: Headers = () if self._is_framed else (("Content-Length", str(len(self.body))),)
        lines = [f"{name}: {value}" for name, value in (*self.headers, *framing)]
        head = "\r\n".join([f"{self.method} {self.target} HTTP/1.1", *lines, "Connection: close"])
        return head.encode("latin-1") + b"\r\n\r\n" + self.body

    @property
    def _is_framed(self) -> bool:
        return self.names("content-length") or self.names("transfer-encoding")


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Headers
    body: bytes

    @property
    def lets_pages_read_it(self) -> bool:
        """Whether it carries any header that opens it to other origins."""
        return any(name.lower().startswith("access-control-") for name, _ in self.headers)

    @property
    def is_refusal(self) -> bool:
        """Whether it lets nobody in, and no page of another origin read why."""
        return self.status in REFUSALS and not self.lets_pages_read_it


def send(port: int, request: Request) -> Answer:
    """Send a request, with this port's address as Host unless it has one; return the answer."""
    complete = request if request.names("host") else request.having(Host=f"127.0.0.1:{port}")
    return parsed(exchange(port, complete.written()), complete.method)


def exchange(port: int, content: bytes, timeout_s: float = TIMEOUT_S) -> bytes:
    """Send bytes; return all that comes until the other side closes. TimeoutError if it doesn't."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout_s) as connection:
        connection.sendall(content)
        return b"".join(_received(connection))


def _received(connection: socket.socket) -> Iterable[bytes]:
    try:
        while part := connection.recv(65536):
            yield part
    except ConnectionResetError:
        return


class _Bytes:
    """What `HTTPResponse` reads from."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def makefile(self, _mode: str) -> BytesIO:
        return BytesIO(self._content)


def parsed(content: bytes, method: str = "GET") -> Answer:
    """Read one answer; AssertionError when there is none."""
    assert content, "closed without an answer"
    response = HTTPResponse(cast("Any", _Bytes(content)), method=method)
    response.begin()
    with response:
        return Answer(response.status, tuple(response.getheaders()), response.read())
