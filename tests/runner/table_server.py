"""DynamoDB as a runner in a process of its own reaches it: moto behind HTTP, and what load does."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders
from dynamodb_http import DynamoDbServer
from moto.core.models import botocore_stubber

URL = "https://dynamodb.us-east-1.amazonaws.com/"
THROTTLED = {
    "__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException",
    "message": "Throughput exceeds the current capacity of your table or index",
}
Fault = Callable[[str], dict[str, str] | None]
"""Takes an operation; returns the error that answers it, if any."""


class TableServer(DynamoDbServer):
    """Hands requests to moto, one at a time; `fault` may answer instead."""

    def __init__(self) -> None:
        super().__init__()
        self.fault: Fault = lambda _operation: None
        self.fault_of_body: Callable[[bytes], dict[str, str] | None] = lambda _body: None
        self.answered: Counter[str] = Counter()
        self.lock = threading.Lock()

    def answer(
        self, operation: str, headers: list[tuple[str, str]], body: bytes
    ) -> tuple[int, bytes]:
        """Return moto's answer, or the fault's; moto is at work in this process."""
        fault = self.fault(operation) or self.fault_of_body(body)
        if fault is not None:
            self.answered[f"{operation} refused"] += 1
            return 400, json.dumps(fault).encode()
        sent = HTTPHeaders.from_pairs(headers)
        request = AWSPreparedRequest("POST", URL, sent, body, stream_output=False)
        with self.lock:
            answer: Any = botocore_stubber.process_request(request)
        status, _, content = answer
        self.answered[operation] += 1
        return status, content.encode() if isinstance(content, str) else content


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
