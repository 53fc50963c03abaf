"""DynamoDB as a runner in a process of its own reaches it: moto behind HTTP, and what load does."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders
from moto.core.models import botocore_stubber

URL = "https://dynamodb.us-east-1.amazonaws.com/"
THROTTLED = {
    "__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException",
    "message": "Throughput exceeds the current capacity of your table or index",
}
Fault = Callable[[str], dict[str, str] | None]
"""Takes an operation; returns the error that answers it, if any."""


class TableServer(ThreadingHTTPServer):
    """Hands requests to moto, one at a time; `fault` may answer instead."""

    request_queue_size = 128
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Gateway)
        self.fault: Fault = lambda _operation: None
        self.fault_of_body: Callable[[bytes], dict[str, str] | None] = lambda _body: None
        self.answered: Counter[str] = Counter()
        self.lock = threading.Lock()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A runner that is killed leaves its connections open."""


class Gateway(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: TableServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        fault = self.server.fault(operation) or self.server.fault_of_body(body)
        if fault is not None:
            self.server.answered[f"{operation} refused"] += 1
            self._send(400, json.dumps(fault).encode())
            return
        headers = HTTPHeaders.from_pairs(self.headers.items())
        request = AWSPreparedRequest("POST", URL, headers, body, stream_output=False)
        with self.server.lock:
            answer: Any = botocore_stubber.process_request(request)
        status, _, content = answer
        self.server.answered[operation] += 1
        self._send(status, content.encode() if isinstance(content, str) else content)

    def _send(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's name
        """Say nothing of single requests."""


@contextmanager
def serving() -> Iterator[TableServer]:
    """Serve while moto is at work in this process."""
    with TableServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def so_many_writes_a_second(limit: float) -> Fault:
    """As a partition does: no more writes a second than that."""
    lock, tokens, at = threading.Lock(), limit, time.monotonic()

    def fault(operation: str) -> dict[str, str] | None:
        nonlocal tokens, at
        if operation != "PutItem":
            return None
        with lock:
            now = time.monotonic()
            tokens, at = min(limit, tokens + (now - at) * limit), now
            if tokens < 1:
                return THROTTLED
            tokens -= 1
            return None

    return fault


def away_for(tries: int, operation: str, error: dict[str, str] | None = None) -> Fault:
    """So many of the first such requests aren't answered."""
    left = [error or THROTTLED] * tries

    def fault(asked: str) -> dict[str, str] | None:
        try:
            return left.pop() if asked == operation else None
        except IndexError:  # as many threads ask as there are containers
            return None

    return fault
