"""The front doors of an application on a local cloud, and requests to them as they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import urllib3
from application import REGION, Application
from botocore.credentials import Credentials

from batchctl.aws.sigv4 import Signer
from batchctl.jobs.api.connection import Request


def root_of(application: Application) -> Credentials:
    """The credentials of the root of an application's local cloud."""
    return Credentials(*application.running.root)


@dataclass(frozen=True)
class Reply:
    """What came back: status, headers in lower case, the body as text."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> Any:
        """The body as JSON."""
        return json.loads(self.text)


@dataclass(frozen=True)
class Door:
    """A front door; where it asks for signatures, requests are signed with `credentials`."""

    endpoint: str
    largest_body: int
    credentials: Credentials | None = None

    @classmethod
    def open(cls, application: Application, mode: str, auth: str) -> Door:
        """Have `up` make this front door the application's, instead of whatever it was."""
        flags = ("--api-mode", mode, "--auth", auth)
        done = application.local("up", "--yes", "--json", *flags)
        largest = 1024 * 1024 if mode == "alb" else 10 * 1024 * 1024
        credentials = root_of(application) if auth == "iam" else None
        return cls(json.loads(done.stdout)["endpoint"], largest, credentials)

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Send a request, signed if it has to be, and return what comes back."""
        given = {"content-type": "application/json", **(headers or {})}
        request = Request(method, self.endpoint + path, given, body)
        signed = Signer(self.credentials, REGION)(request) if self.credentials else given
        return sent(method, request.url, body, signed)

    def put(self, content: Any) -> Reply:
        """Send a job, whatever it is, as JSON."""
        return self.ask("PUT", "/v1/new-task", json.dumps(content).encode())

    def get(self, path: str) -> Reply:
        """Get a path."""
        return self.ask("GET", path)


def sent(method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
    """Send a request as it is: no second try, no redirect."""
    with urllib3.PoolManager() as http:
        answer = http.request(
            method, url, body=body or None, headers=dict(headers), retries=False, timeout=60
        )
    found = {name.lower(): value for name, value in answer.headers.items()}
    return Reply(answer.status, found, answer.data.decode())
