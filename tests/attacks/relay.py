"""Between the browser and the cloud: passes on what each says, unchanged, and keeps a record.

The browser believes to be connected to the cloud (`--host-resolver-rules`), so its requests are the
ones that it would send there. And it has pages of its own to serve: what a name's first address
serves in DNS rebinding, before the name moves to this machine.
"""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from http_by_hand import parsed

TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Passed:
    """A request's first line and headers, and the status of its answer."""

    head: str
    status: int


@dataclass
class Relay:
    """A running relay; `pages` are served by it, by their paths."""

    port: int = 0
    passed: list[Passed] = field(default_factory=list)
    pages: dict[str, str] = field(default_factory=dict)

    def statuses(self, mark: str) -> list[int]:
        """Return what was answered to the requests whose target has the mark."""
        return [each.status for each in tuple(self.passed) if mark in each.head.split("\r\n")[0]]


@contextmanager
def relay(port: int) -> Iterator[Relay]:
    """Relay to a port of this machine."""
    made = Relay()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                _relay(self.request, port, made)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 128

    with Server(("127.0.0.1", 0), Handler) as server:
        made.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield made
        server.shutdown()


def _relay(browser: socket.socket, port: int, made: Relay) -> None:
    """Pass one request on, and its answer back, after which both connections end."""
    head, body = _request(browser)
    if not head:
        return
    page = made.pages.get(head.split(" ")[1])
    if page is not None:
        start = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/html\r\n\r\n"
        browser.sendall((start + page).encode())
        return
    once = head.replace("Connection: keep-alive", "Connection: close")
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as cloud:
        cloud.sendall(once.encode("latin-1") + body)
        answer = b"".join(iter(lambda: cloud.recv(65536), b""))
    made.passed.append(Passed(head, parsed(answer, head.split(" ")[0]).status))
    browser.sendall(answer)


def _request(browser: socket.socket) -> tuple[str, bytes]:
    """Read a request's head and body; empty when the browser only connected, to be ready."""
    content = b""
    while b"\r\n\r\n" not in content:
        part = browser.recv(65536)
        if not part:
            return "", b""
        content += part
    raw_head, _, body = content.partition(b"\r\n\r\n")
    head = raw_head.decode("latin-1") + "\r\n\r\n"
    length = next((line for line in head.lower().split("\r\n") if "content-length:" in line), ":0")
    while len(body) < int(length.partition(":")[2]):
        body += browser.recv(65536)
    return head, body
