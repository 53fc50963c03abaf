"""One invocation of a function for a job of some size, its AWS calls counted: a child of jobs.py.

    python bench/handler_calls.py receiver|splitter ITEMS

AWS is a double in this process that keeps nothing but the JOB record, so that the memory is the
handler's own. Prints JSON: calls by operation, seconds, the peak of the process's memory in MiB
(all of it, as AWS Lambda counts), the largest request in bytes, and for the splitter the longest
container overrides in characters.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from batchctl.contract.job_record import JobRecord, new_item
from batchctl.contract.statuses import Status
from batchctl.contract.timestamps import timestamp

sys.path.insert(0, str(Path(__file__).parent.parent))

ITEMS_PER_TASK = 1
os.environ |= {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "POWERTOOLS_LOG_LEVEL": "ERROR",
    "POWERTOOLS_SERVICE_NAME": "bench",
    "TABLE": "jobs",
    "QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/jobs",
    "ITEMS_PER_TASK": str(ITEMS_PER_TASK),
    "JOB_QUEUE": "arn:aws:batch:us-east-1:123456789012:job-queue/compute",
    "JOB_DEFINITION": "compute",
    "STACK": "batchapp",
}


@dataclass
class Context:
    """The part of Lambda's context that handlers read."""

    aws_request_id: str = "invocation"
    function_name: str = "bench"
    memory_limit_in_mb: int = 1769
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:bench"

    def get_remaining_time_in_millis(self) -> int:
        """Return the whole time, always."""
        return 60_000


ANSWERS: dict[str, dict[str, Any]] = {
    "batchwriteitem": {"UnprocessedItems": {}},
    "listjobs": {"jobSummaryList": []},
    "sendmessage": {"MessageId": "1", "MD5OfMessageBody": ""},
}


@dataclass
class Account:
    """AWS, as far as receiver and splitter use it; `job` is the JOB record."""

    job: dict[str, Any]
    calls: Counter[str] = field(default_factory=Counter)
    largest_request: int = 0
    longest_overrides: int = 0

    def answer(self, request: Any, **_: Any) -> Any:
        """Answer a signed request in place of the network."""
        body = request.body or b""
        target = request.headers.get("X-Amz-Target", request.url.rpartition("/")[2])
        name = (target.decode() if isinstance(target, bytes) else target).rpartition(".")[2]
        self.calls[name.lower()] += 1
        self.largest_request = max(self.largest_request, len(body))
        answer = self._answer(name.lower(), body)
        return AWSResponse(request.url, 200, HTTPHeaders(), Raw(json.dumps(answer).encode()))

    def _answer(self, name: str, body: bytes | str) -> dict[str, Any]:
        if name == "submitjob":
            self._note_overrides(json.loads(body))
            return {"jobId": f"job-{self.calls[name]}", "jobName": "job", "jobArn": "arn"}
        if name == "updateitem":
            return {"Attributes": self.job}
        if name == "getitem":
            return {"Item": self.job}
        return ANSWERS.get(name, {})

    def _note_overrides(self, job: dict[str, Any]) -> None:
        overrides = json.dumps(job["containerOverrides"], separators=(",", ":"))
        self.longest_overrides = max(self.longest_overrides, len(overrides))


@dataclass
class Raw:
    """A body as urllib3 gives it to botocore."""

    content: bytes

    def stream(self, **_: Any) -> Any:
        """Give it all."""
        yield self.content


def submission(items: int) -> dict[str, Any]:
    """Return a load balancer's event with a job of that many items."""
    universe = [f"{number:07d}" for number in range(items)]
    return {
        "requestContext": {"elb": {"targetGroupArn": "arn"}},
        "httpMethod": "PUT",
        "path": "/v1/new-task",
        "queryStringParameters": {},
        "headers": {"content-type": "application/json"},
        "body": json.dumps({"job_id": "job", "universe": universe}, separators=(",", ":")),
        "isBase64Encoded": False,
    }


def message() -> dict[str, Any]:
    """Return an SQS event that names the job."""
    record = {"messageId": "1", "eventSource": "aws:sqs", "body": json.dumps({"job_id": "job"})}
    return {"Records": [record]}


def queued(items: int) -> dict[str, Any]:
    """Return the JOB record of a job that was received."""
    created_at = timestamp(time.time())
    job = JobRecord("job", Status.QUEUED, created_at, items, ITEMS_PER_TASK, "hash")
    return dict(new_item(job))


def invoke(function: str, items: int) -> None:
    """Let a function take one event, and raise unless it did."""
    event = submission(items) if function == "receiver" else message()
    answer = import_module(f"handlers.{function}").handler(event, Context())
    assert answer.get("statusCode") == 202 or answer == {"batchItemFailures": []}, answer


def main(function: str, items: int) -> None:
    """Measure one invocation and print the figures."""
    account = Account(queued(items))
    boto3.setup_default_session()
    events: Any = boto3._get_default_session().events  # noqa: SLF001 - the handlers use no other
    events.register("before-send", account.answer)
    started = time.monotonic()
    invoke(function, items)
    figures = {
        "calls": dict(sorted(account.calls.items())),
        "seconds": round(time.monotonic() - started, 2),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "largest_request": account.largest_request,
        "longest_overrides": account.longest_overrides,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
