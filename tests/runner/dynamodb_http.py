"""DynamoDB's protocol over HTTP: what answers a request is another's."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar


class DynamoDbServer(ThreadingHTTPServer):
    """Listens on a free port of this machine, and hands each request to `answer`."""

    request_queue_size = 1024
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Request)

    @property
    def endpoint(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    @abstractmethod
    def answer(
        self, operation: str, headers: list[tuple[str, str]], body: bytes
    ) -> tuple[int, bytes]:
        """Return status and body for a request, in any thread."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that has given an answer up, or was killed."""


Server = TypeVar("Server", bound=DynamoDbServer)


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """Serve in a thread, and end it."""
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: DynamoDbServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        status, content = self.server.answer(operation, self.headers.items(), body)
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's name
        """Say nothing of single requests."""
