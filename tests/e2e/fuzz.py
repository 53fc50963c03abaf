"""Requests made up from docs/openapi.yaml, each answer checked against it (schemathesis).

By hand, against an application that is up, with as many requests as wanted:

    python tests/e2e/fuzz.py http://127.0.0.1:9999 5000
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import schemathesis
from botocore.credentials import Credentials
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    negative_data_rejection,
    positive_data_acceptance,
    unsupported_method,
)

from batchctl.aws.sigv4 import Signer
from batchctl.jobs.api.connection import Request

CONTRACT = Path(__file__).parents[2] / "docs" / "openapi.yaml"
# An unknown method is a 404 in this contract, not a 405. And a made-up "bad" request may be a good
# one: an unknown query parameter, which is ignored.
UNCHECKED = [unsupported_method, negative_data_rejection]
# No schema says what is a `next`: a made-up one is refused.
UNCHECKED_GET = [*UNCHECKED, positive_data_acceptance]


@dataclass(frozen=True)
class Signature(requests.auth.AuthBase):
    """Signs a request as batchctl does, for API Gateway."""

    credentials: Credentials
    region: str

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the headers of the signature."""
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        assert isinstance(body, bytes), "made-up requests are sent whole, not as a stream"
        sent = Request(
            method=str(request.method),
            url=str(request.url),
            headers={name: _text(value) for name, value in request.headers.items()},
            body=body,
        )
        request.headers.update(Signer(self.credentials, self.region)(sent))
        return request


def _text(header: str | bytes) -> str:
    return header if isinstance(header, str) else header.decode("latin-1")


@dataclass
class Fuzzer:
    """Sends made-up requests to an endpoint, and counts the answers by operation and status."""

    endpoint: str
    auth: Signature | None = None
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)

    def send(self, count: int, number: int = 1) -> None:
        """Send `count` requests, the same ones for the same `number`; half of them break a rule.

        Raises what schemathesis raises for an answer that isn't in the contract, or is a 5xx.
        """
        operations = [each.ok() for each in contract().get_all_operations()]
        for operation in operations:
            self._ask(operation, count // len(operations), number)

    def check_job(self, job_id: str) -> None:
        """Check the answer for a job that is there, with results: no made-up request finds one."""
        operation = contract()["/v1/tasks/{job_id}"]["GET"]
        case = operation.Case(path_parameters={"job_id": job_id})
        answer = case.call(base_url=self.endpoint, auth=self.auth, timeout=30)
        assert answer.json()["results"], answer.text
        case.validate_response(answer, excluded_checks=UNCHECKED_GET)

    def _ask(self, operation: Any, count: int, number: int) -> None:
        good = operation.as_strategy(GenerationMode.POSITIVE)
        bad = operation.as_strategy(GenerationMode.NEGATIVE)

        @seed(number)
        @settings(
            max_examples=count,
            phases=[Phase.generate],
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=good | bad)
        def ask(case: Any) -> None:
            answer = case.call(base_url=self.endpoint, auth=self.auth, timeout=30)
            self.answers[operation.label, answer.status_code] += 1
            is_free = case.method.upper() == "GET" or breaks_what_no_schema_says(case.body)
            unchecked = UNCHECKED_GET if is_free else UNCHECKED
            case.validate_response(answer, excluded_checks=unchecked)

        ask()


def breaks_what_no_schema_says(body: object) -> bool:
    """Whether a body asks for part 3 of 2, or has an item as a string and as an object: refused."""
    if not isinstance(body, dict):
        return False
    part, universe = body.get("part"), body.get("universe")
    if isinstance(part, dict) and _number(part, "number") > _number(part, "of"):
        return True
    entries = universe if isinstance(universe, list) else []
    items = [each.get("item") if isinstance(each, dict) else each for each in entries]
    return len({repr(each) for each in items}) < len(items)


def _number(part: dict[str, object], name: str) -> float:
    value = part.get(name)
    return value if isinstance(value, (int, float)) else 0


def contract() -> Any:
    """The contract, as schemathesis reads it; no `Fuzzer` may need the server's own copy."""
    return schemathesis.openapi.from_path(CONTRACT)


if __name__ == "__main__":
    fuzzer = Fuzzer(sys.argv[1])
    fuzzer.send(int(sys.argv[2]))
    for (label, status), times in sorted(fuzzer.answers.items()):
        sys.stdout.write(f"{label} {status} {times}\n")
