"""A server on loopback that plays the API: scripted answers, and what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from typing import Any

import pytest
import urllib3
from scripted_api import Api, Clock, handler_of

from batchctl.jobs import JobsClient


@pytest.fixture
def api() -> Iterator[Api]:
    """The API, without answers yet."""
    script = Api()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(script))
    script.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield script
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def connect(clock: Clock) -> Iterator[Callable[..., JobsClient]]:
    """Make clients whose time passes only by sleeping, and whose connections are closed."""
    with urllib3.PoolManager() as http:

        def _connect(endpoint: str, **more: Any) -> JobsClient:
            return JobsClient(endpoint, http=http, sleep=clock.sleep, clock=clock, **more)

        yield _connect


@pytest.fixture
def client(api: Api, connect: Callable[..., JobsClient]) -> JobsClient:
    return connect(api.endpoint)
