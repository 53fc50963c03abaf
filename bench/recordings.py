"""AWS's answers as JSON lines that anyone may read: recorded, scrubbed, and replayed in tests.

A line is one call: `service`, `operation`, `parameters`, and its `answer` or `error`. What says
whose account it was is replaced by invented values, the same value by the same one, so that what
belongs together still does.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from botocore.client import BaseClient
from botocore.exceptions import ClientError

from batchctl.aws.secrets import MASK

ACCOUNT: Final = "123456789012"
# Requests, and secrets by the names that AWS gives them.
_DROPPED: Final = frozenset({"RequestId", "HTTPHeaders", "HostId", "RetryAttempts"})
_SECRET: Final = re.compile("secret|password|token(?!s)|signature", re.IGNORECASE)
_NEXT: Final = re.compile(
    "(next|continuation|starting|pagination)_?token|clientrequesttoken|marker", re.IGNORECASE
)
# Each kind of identifier with what takes its place, in which {} is a number.
_IDENTIFIERS: Final = (
    (re.compile(r"\b(?:AKIA|ASIA|AIDA|AROA|AIPA|ANPA)[A-Z0-9]{12,}\b"), "AROA{:016}"),
    (
        re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"),
        "00000000-0000-4000-8000-{:012}",
    ),
    (
        re.compile(
            r"\b(?:vpc|subnet|sg|sgr|eni|igw|rtb|lt|ami|i|acl|eipalloc|vol)-[0-9a-f]{8,17}\b"
        ),
        "{kind}-{:017}",
    ),
    (re.compile(r"\b(?!0\.0\.0\.0)(?:\d{1,3}\.){3}\d{1,3}\b"), "192.0.2.{}"),
    (re.compile(r"\b(?:[0-9a-f]{1,4}:){3,7}[0-9a-f:]*\b"), "2001:db8::{}"),
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+"), "person{}@example.com"),
    (re.compile(r"(?<=-)\d{8,10}(?=\.[\w-]+\.elb\.amazonaws\.com)"), "{:010}"),
    (re.compile(r"\b[a-z0-9]{10}(?=\.execute-api\.|/)(?<=\d\w{9}|\w\d\w{8})"), "api{:07}"),
)


class Scrubber:
    """Replaces what says whose account it was; `account` is the one to hide."""

    def __init__(self, account: str) -> None:
        """Know nothing yet but the account."""
        self._account = account
        self._invented: dict[str, str] = {}

    def scrub(self, value: Any, key: str = "") -> Any:
        """Return `value` as JSON can have it, without what must not be told."""
        if isinstance(value, Mapping):
            return {
                str(name): self.scrub(each, str(name))
                for name, each in value.items()
                if name not in _DROPPED
            }
        if isinstance(value, list | tuple):
            return [self.scrub(each, key) for each in value]
        if isinstance(value, str):
            return self._text(value, key)
        return _plain(value)

    def _text(self, text: str, key: str) -> str:
        if _SECRET.search(key) and not _NEXT.search(key):
            return MASK
        if re.search("code.?sha", key, re.IGNORECASE):
            return text
        text = text.replace(self._account, ACCOUNT)
        for pattern, template in _IDENTIFIERS:
            text = pattern.sub(partial(self._replaced, template), text)
        return text

    def _replaced(self, template: str, found: re.Match[str]) -> str:
        return self._invent(found[0], template)

    def _invent(self, real: str, template: str) -> str:
        if real not in self._invented:
            number = len(self._invented) + 1
            if template.startswith("192"):
                number = 1 + number % 254
            self._invented[real] = template.format(number, kind=real.partition("-")[0])
        return self._invented[real]


def _plain(value: Any) -> Any:
    """Return a value that JSON has no spelling for in one of ours."""
    if isinstance(value, datetime):
        return {"$datetime": value.isoformat()}
    if isinstance(value, bytes):
        return {"$bytes": len(value)}
    return {"$stream": True} if hasattr(value, "read") else value


class Recorder:
    """Writes a line for each call."""

    def __init__(self, path: Path, account: str) -> None:
        """Add to `path`."""
        self._path = path
        self._scrubber = Scrubber(account)

    def note(
        self,
        call: tuple[str, str],
        parameters: Mapping[str, Any],
        *,
        answer: Mapping[str, Any] | None = None,
        error: ClientError | None = None,
    ) -> None:
        """Write the line of one call (`service`, `operation`), scrubbed."""
        came = {"answer": answer} if error is None else {"error": error.response}
        line = {"service": call[0], "operation": call[1], "parameters": parameters, **came}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(self._scrubber.scrub(line)) + "\n")


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the calls of a recording, with times as botocore gives them."""
    for line in path.read_text(encoding="utf-8").splitlines():
        yield json.loads(line, object_hook=_as_botocore)


def _as_botocore(value: dict[str, Any]) -> Any:
    if "$datetime" in value:
        return datetime.fromisoformat(value["$datetime"])
    if "$bytes" in value:
        return base64.b64decode("")
    return value


def replay(client: BaseClient, path: Path) -> None:
    """Have a client answer from a recording: each operation its recorded answers, in their order.

    The last one is repeated. An operation that wasn't recorded fails, and nothing is sent.
    """
    service = client.meta.service_model.service_name
    waiting: dict[str, list[dict[str, Any]]] = {}
    for line in read(path):
        if line["service"] == service:
            waiting.setdefault(line["operation"], []).append(line)

    def answer(model: Any, **_ignored: Any) -> tuple[_Answered, dict[str, Any]]:
        lines = waiting[model.name]
        line = lines.pop(0) if len(lines) > 1 else lines[0]
        given = line.get("answer") or line["error"]
        status = given.get("ResponseMetadata", {}).get("HTTPStatusCode", 200)
        return _Answered(status), given

    events: Any = client.meta.events
    events.register("before-call", answer)


class _Answered:
    """The HTTP part of an answer that was recorded."""

    def __init__(self, status_code: int) -> None:
        self.status_code = status_code
