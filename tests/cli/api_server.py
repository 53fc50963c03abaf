"""A deployed API for the command line: a server on loopback, and the state that leads to it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from batchctl.application.front_door import EXECUTE_ROLE, STAGE
from batchctl.engine.state import StateFile, StateIdentity, StateRecord

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/batchapp-API-Execute-Role"


@dataclass
class ApiServer:
    """Answers every request with `status` and `body`, and keeps what it was asked."""

    url: str = ""
    status: int = 200
    body: bytes = b'{"jobs": []}'
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def key_id(self) -> str | None:
        """The access key id that the last request was signed with; None for no signature."""
        signature = self.asked[-1][2].get("authorization")
        return signature.partition("Credential=")[2].partition("/")[0] if signature else None


def _handler(api: ApiServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            content = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            api.asked.append((self.command, self.path, headers, content))
            self.send_response(api.status)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(api.body)

        do_GET = do_PUT = do_DELETE = answer  # noqa: N815 - the names that http.server looks for

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
            """Say nothing."""

    return Handler


@contextmanager
def serving() -> Iterator[ApiServer]:
    """Serve an API for the block."""
    api = ApiServer()
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(api)) as server:
        api.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield api
        finally:
            server.shutdown()
            thread.join()


def deployed(folder: Path, api: ApiServer, auth: str, region: str = "us-east-1") -> None:
    """Write the state that `up --api-mode restapi` leaves behind."""
    path = folder / ".batchctl" / "batchapp.state.json"
    path.parent.mkdir()
    state = StateFile.load(path, StateIdentity("batchapp", ACCOUNT, region))
    state.remember_api("restapi", auth)
    kind, _, label = STAGE.partition(".")
    state.put(StateRecord(kind, label, outputs={"invoke_url": api.url}))
    if auth == "iam":
        kind, _, label = EXECUTE_ROLE.partition(".")
        state.put(StateRecord(kind, label, outputs={"arn": ROLE}))
