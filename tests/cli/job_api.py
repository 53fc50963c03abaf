"""The HTTP API of an application with one job, on loopback, of any number of results."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class JobApi:
    """A job of `items` results that goes through `looks`, the last of them for ever.

    A look is what the answer says beside the results. Every item in `failed` has the error there.
    `unfinished` items have no result yet.
    """

    looks: list[dict[str, Any]]
    items: int = 2
    failed: dict[int, dict[str, Any]] = field(default_factory=dict)
    port: int = 0
    pages: int = 0
    unfinished: int = 0
    listed: list[dict[str, Any]] = field(default_factory=list)

    def jobs(self, query: dict[str, list[str]]) -> dict[str, Any]:
        """The jobs of the list, ten a page at most."""
        start, limit = int(query.get("next", ["0"])[0]), int(query.get("limit", ["20"])[0])
        end = start + min(limit, 10)
        more = {"next": str(end)} if end < len(self.listed) else {}
        return {"jobs": [{"items": 1, "tasks": 1, **j} for j in self.listed[start:end]], **more}

    def answer(self, query: dict[str, list[str]]) -> dict[str, Any]:
        limit = int(query.get("limit", ["100"])[0])
        behind = int(query["after"][0]) + 1 if "after" in query else 0
        start = int(query["next"][0]) if "next" in query else behind
        end = min(start + limit, self.items)
        look = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        self.pages += 1
        page = {f"{index:08}": self._result(index) for index in range(start, end)}
        if "item" in query:
            page = {item: each for item, each in page.items() if item in query["item"]}
        more = {"next": str(end)} if end < self.items else {}
        if "all" in query and not more:
            last = range(self.items, self.items + self.unfinished)
            page |= {f"{index:08}": {"status": "PENDING"} for index in last}
        return {**JOB, **look, "items": self.items + self.unfinished, "results": page, **more}

    def _result(self, index: int) -> dict[str, Any]:
        if index in self.failed:
            return {"status": "FAILED", **self.failed[index]}
        return {"status": "SUCCEEDED", "result": {"x": index, "y": "é"}, "attempts": 1}


JOB = {"job_id": "demo-1", "created_at": "2026-11-23T10:00:00.000001Z"}


def counts(**given: int) -> dict[str, int]:
    """The counts of tasks, 0 where not given."""
    named = ("total", "pending", "running", "succeeded", "failed")
    return {name: given.get(name, 0) for name in named}


RUNNING = {"status": "RUNNING", "tasks": counts(total=4, pending=1, running=2, succeeded=1)}
DONE = {"status": "SUCCEEDED", "tasks": counts(total=4, succeeded=4)}
FAILED = {"status": "FAILED", "tasks": counts(total=4, succeeded=3, failed=1)}
NO_MEMORY = {"error": "the task needed more memory\nreally", "reason": "OUT_OF_MEMORY"}


@contextmanager
def serving(api: JobApi) -> Iterator[JobApi]:
    """Serve the API on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            target = urlsplit(self.path)
            is_list = target.path == "/v1/tasks"
            query = parse_qs(target.query)
            answer = api.jobs(query) if is_list else api.answer(query)
            content = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # http.server's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    api.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
