"""An account with jobs: table, logs and queues are moto's, the answers of Batch are scripted."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
from moto import mock_aws

from batchctl.aws.clock import Clock
from batchctl.aws.session import Aws, Connection
from batchctl.contract.job_record import JobRecord, new_item
from batchctl.contract.statuses import Status
from batchctl.contract.table import JOB, chunk_key, key
from batchctl.contract.timestamps import timestamp

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import KeySchemaElementTypeDef

TABLE = "app-jobs"
GROUP = "/batchctl/app/compute"
TRACKER = "app-JobTracker"
BEGAN_MS = int(time.time() * 1000) - 60_000
"""CloudWatch Logs takes no lines of long ago, nor of the future."""


@dataclass
class JobAccount:
    """The account, what Batch says in it, and what the tracker was asked and answers."""

    aws: Aws
    details: dict[str, dict[str, Any]] = field(default_factory=dict)
    queues: list[dict[str, Any]] = field(default_factory=list)
    environments: list[dict[str, Any]] = field(default_factory=list)
    listed: dict[str, list[str]] = field(default_factory=dict)
    summaries: dict[str, dict[str, Any]] = field(default_factory=dict)
    fronts: list[str] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    answer: Callable[[dict[str, Any]], dict[str, Any]] = lambda _: {}
    calls: list[str] = field(default_factory=list)

    def job(self, job_id: str, status: str = "SUBMITTED", **attributes: Any) -> None:
        """Put the JOB item of a job of 20,000 items."""
        created_at = timestamp(BEGAN_MS / 1000)
        job = JobRecord(job_id, Status(status), created_at, 20_000, 1, "hash")
        self.aws.dynamodb.put_item(TableName=TABLE, Item=new_item(job) | attributes)

    def universe(self, job_id: str, *chunks: list[str], run: int = 1) -> None:
        """Put the chunks of a run's universe."""
        for number, items in enumerate(chunks):
            self.aws.dynamodb.put_item(
                TableName=TABLE,
                Item={
                    **_key(job_id, chunk_key(number, run)),
                    "items": {"L": [{"S": item} for item in items]},
                },
            )

    def child(self, batch_id: str, status: str, *streams: str, **more: Any) -> None:
        """Let Batch know a task, with an attempt for each stream; the last one may be running."""
        over = streams if status in {"SUCCEEDED", "FAILED"} else streams[:-1]
        attempts = [{"container": {"logStreamName": stream}} for stream in over]
        container = {"logStreamName": streams[-1]} if streams else {}
        self.details[batch_id] = {
            "jobId": batch_id,
            "jobName": "demo-0",
            "status": status,
            "attempts": attempts,
            "container": container,
        } | more

    def write(self, stream: str, *lines: tuple[int, str]) -> None:
        """Write lines, (milliseconds from the beginning, text), to a log stream."""
        known = self.aws.logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=stream)
        if not known["logStreams"]:
            self.aws.logs.create_log_stream(logGroupName=GROUP, logStreamName=stream)
        self.aws.logs.put_log_events(
            logGroupName=GROUP,
            logStreamName=stream,
            logEvents=[{"timestamp": BEGAN_MS + at, "message": text} for at, text in lines],
        )


def _key(job_id: str, sort_key: str = JOB) -> dict[str, Any]:
    return {**key(job_id, sort_key)}


def batch_jobs(*parts: tuple[str, int, int]) -> dict[str, Any]:
    """The attribute `batch_jobs`: id, first task, tasks of each."""
    return {
        "L": [
            {"M": {"id": {"S": i}, "first_task": {"N": str(f)}, "tasks": {"N": str(n)}}}
            for i, f, n in parts
        ]
    }


def opened(clock: Clock) -> Iterator[JobAccount]:
    """Give an account with an empty job table and log group."""
    with mock_aws():
        session = boto3.Session("testing", "testing", region_name="us-east-1")
        aws = Aws(Connection(session), stack="app", tags={}, clock=clock)
        keys: list[KeySchemaElementTypeDef] = [
            {"AttributeName": "job_id", "KeyType": "HASH"},
            {"AttributeName": "item", "KeyType": "RANGE"},
        ]
        aws.dynamodb.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=keys,
            AttributeDefinitions=[
                {"AttributeName": key["AttributeName"], "AttributeType": "S"} for key in keys
            ],
        )
        aws.logs.create_log_group(logGroupName=GROUP)
        account = JobAccount(aws)
        _script(account)
        yield account


def _script(account: JobAccount) -> None:
    """Answer the calls to Batch, and those of functions, from the account's fields."""

    def describe_jobs(request: dict[str, Any]) -> dict[str, Any]:
        assert len(request["jobs"]) <= 100
        return {"jobs": [account.details[i] for i in request["jobs"] if i in account.details]}

    def list_jobs(request: dict[str, Any]) -> dict[str, Any]:
        of = request.get("arrayJobId") or request["jobQueue"]
        # A filter has no regard for statuses (AWS Batch API Reference, ListJobs).
        wanted = None if "filters" in request else request["jobStatus"]
        found = [
            {"jobId": batch_id, "status": status} | account.summaries.get(batch_id, {})
            for key, ids in account.listed.items()
            for parent, _, status in [key.rpartition("/")]
            if parent == of and wanted in {None, status}
            for batch_id in ids
        ]
        return {"jobSummaryList": found}

    answers = {
        "DescribeJobs": describe_jobs,
        "ListJobs": list_jobs,
        "GetJobQueueSnapshot": lambda _: {
            "frontOfQueue": {"jobs": [{"jobArn": arn} for arn in account.fronts]}
        },
        "DescribeJobQueues": lambda _: {"jobQueues": account.queues},
        "DescribeComputeEnvironments": lambda _: {"computeEnvironments": account.environments},
    }
    batch = account.aws.connection.client("batch")
    for operation, answer in answers.items():
        batch.meta.events.register(
            f"before-call.batch.{operation}", _answering(account, operation, answer)
        )
    functions = account.aws.connection.client("lambda")
    functions.meta.events.register("before-call.lambda.Invoke", _invoked(account))
    logs = account.aws.connection.client("logs")
    # moto must be asked for what AWS always does: the lines of several streams by time.
    logs.meta.events.register(
        "provide-client-params.logs.FilterLogEvents",
        _interleaved,
    )


def _answering(account: JobAccount, operation: str, answer: Callable[..., Any]) -> Any:
    def call(params: dict[str, Any], **_: Any) -> Any:
        account.calls.append(operation)
        return SimpleNamespace(status_code=200), answer(json.loads(params["body"] or b"{}"))

    return call


def _interleaved(params: dict[str, Any], **_: Any) -> Any:
    return {**params, "interleaved": True}


def _invoked(account: JobAccount) -> Any:
    def call(params: dict[str, Any], **_: Any) -> Any:
        account.asked.append(json.loads(params["body"]))
        answer = account.answer(account.asked[-1])
        error = {"FunctionError": "Unhandled"} if "errorMessage" in answer else {}
        payload = io.BytesIO(json.dumps(answer).encode())
        return SimpleNamespace(status_code=200), {"Payload": payload, **error}

    return call
