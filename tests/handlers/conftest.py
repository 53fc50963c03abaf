"""The handlers with a table and a queue of moto's, and AWS Batch as a double."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Powertools reads these when the handlers are imported.
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "test")
os.environ.setdefault("POWERTOOLS_LOG_LEVEL", "CRITICAL")

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from batch_double import BatchDouble
from fates import World
from jobs_left import Jobs
from moto import mock_aws
from surroundings import QUEUE_ARN, TABLE, Clock, a_monitor, lambda_context

from handlers import api, clients, receiver, splitter
from handlers.batch.split_lease import LeaseTable
from handlers.batch.submission import Submission
from handlers.batch.termination import HandOver, Marker, Stopper
from handlers.record import JobRecord, Status, timestamp
from handlers.store.jobs import JobTable
from handlers.store.results import Results
from handlers.store.universe import Universe
from handlers.tracking.cancel import Canceller
from handlers.tracking.events import Tracker
from handlers.tracking.monitor import Monitor
from handlers.tracking.retry import Retrier
from handlers.tracking.retry_lease import ClaimTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import KeySchemaElementTypeDef

EVENTS = Path(__file__).parent / "events"
FROM_ENVIRONMENT = (receiver.receiver, splitter.splitter, api.reader)


@pytest.fixture
def context() -> LambdaContext:
    return lambda_context()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def batch(clock: Clock) -> BatchDouble:
    return BatchDouble(clock)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield
    for function in FROM_ENVIRONMENT:
        function.cache_clear()


def _keys(partition: str, sort: str) -> list[KeySchemaElementTypeDef]:
    return [
        {"AttributeName": partition, "KeyType": "HASH"},
        {"AttributeName": sort, "KeyType": "RANGE"},
    ]


@pytest.fixture
def table(aws: None, monkeypatch: pytest.MonkeyPatch) -> JobTable:
    keys = _keys("job_id", "item")
    index_keys = _keys("listing", "created_at")
    clients.dynamodb().create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": key["AttributeName"], "AttributeType": "S"}
            for key in keys + index_keys
        ],
        KeySchema=keys,
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_created_at",
                "KeySchema": index_keys,
                "Projection": {
                    "ProjectionType": "INCLUDE",
                    "NonKeyAttributes": ["status", "items", "tasks", "finished_at"],
                },
            }
        ],
    )
    monkeypatch.setenv("TABLE", TABLE)
    return JobTable(clients.dynamodb(), TABLE)


@pytest.fixture
def queue_url(aws: None, monkeypatch: pytest.MonkeyPatch) -> str:
    url = clients.sqs().create_queue(QueueName="batchapp-requests")["QueueUrl"]
    monkeypatch.setenv("QUEUE_URL", url)
    monkeypatch.setenv("ITEMS_PER_TASK", "1")
    return url


@pytest.fixture
def put(
    table: JobTable, queue_url: str, context: LambdaContext
) -> Callable[[dict[str, Any]], tuple[int, Any]]:
    """Send an event to the receiver; gives the status code and the parsed body."""

    def send(event: dict[str, Any]) -> tuple[int, Any]:
        answer = receiver.handler(event, context)
        return answer["statusCode"], json.loads(answer["body"])

    return send


@pytest.fixture
def leases(table: JobTable, clock: Clock) -> LeaseTable:
    return LeaseTable(table.client, TABLE, clock)


@pytest.fixture
def submission(batch: BatchDouble, clock: Clock) -> Submission:
    double: Any = batch
    return Submission(double, double, QUEUE_ARN, "batchapp-compute", clock.sleep, "batchapp")


@pytest.fixture
def trackers_stopper(
    table: JobTable, submission: Submission, batch: BatchDouble, queue_url: str
) -> Stopper:
    double: Any = batch
    return Stopper(table, submission, double, HandOver(clients.sqs(), queue_url))


@pytest.fixture
def stopper(table: JobTable, submission: Submission, batch: BatchDouble) -> Stopper:
    double: Any = batch
    return Stopper(table, submission, double, Marker(submission, double))


@pytest.fixture
def job_splitter(leases: LeaseTable, submission: Submission, stopper: Stopper) -> splitter.Splitter:
    return splitter.Splitter(leases, submission, stopper)


@pytest.fixture
def universe(table: JobTable, clock: Clock) -> Universe:
    return Universe(table.client, TABLE, clock.sleep)


@pytest.fixture
def results(table: JobTable, clock: Clock) -> Results:
    return Results(table.client, TABLE, clock)


@pytest.fixture
def monitor(table: JobTable, batch: BatchDouble, clock: Clock) -> Monitor:
    double: Any = batch
    return a_monitor(table.client, double, clock)


@pytest.fixture
def tracker(monitor: Monitor, batch: BatchDouble) -> Tracker:
    double: Any = batch
    return Tracker(monitor.jobs, monitor, monitor.explainer, monitor.reclaims, double)


@pytest.fixture
def canceller(monitor: Monitor, trackers_stopper: Stopper) -> Canceller:
    return Canceller(monitor.jobs, monitor, trackers_stopper)


@pytest.fixture
def retrier(monitor: Monitor, trackers_stopper: Stopper, queue_url: str, clock: Clock) -> Retrier:
    claims = ClaimTable(monitor.jobs.client, TABLE, clock)
    return Retrier(
        monitor.jobs,
        claims,
        monitor,
        monitor.results,
        monitor.universe,
        trackers_stopper,
        clients.sqs(),
        queue_url,
        has_on_demand=True,
    )


@pytest.fixture
def reader(monitor: Monitor, clock: Clock) -> api.Reader:
    return api.Reader(monitor.jobs, monitor.results, monitor, clock)


@pytest.fixture
def event() -> Callable[[str], dict[str, Any]]:
    """Read an event as AWS sends it from events/."""

    def read(name: str) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
        return loaded

    return read


@pytest.fixture
def jobs(
    table: JobTable,
    universe: Universe,
    job_splitter: splitter.Splitter,
    batch: BatchDouble,
    clock: Clock,
) -> Jobs:
    return Jobs(table, universe, job_splitter, batch, clock)


@pytest.fixture
def get(reader: api.Reader, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, Any]]:
    """Ask the API's handler; gives the status code and the parsed body."""
    monkeypatch.setattr(api, "reader", lambda: reader)

    def ask(path: str = "/v1/tasks/demo-1", **parameters: str) -> tuple[int, Any]:
        event = {
            "requestContext": {"elb": {"targetGroupArn": "arn"}},
            "httpMethod": "GET",
            "path": path,
            "queryStringParameters": parameters,
            "headers": {},
            "body": "",
            "isBase64Encoded": False,
        }
        answer = api.handler(event, lambda_context())
        assert len(json.dumps(answer)) < 1024 * 1024
        return answer["statusCode"], json.loads(answer["body"])

    return ask


@pytest.fixture
def queued(table: JobTable, clock: Clock) -> Callable[..., JobRecord]:
    """Put a job of so many items into the table, QUEUED."""

    def put(job_id: str = "demo-1", items: int = 2, items_per_task: int = 1) -> JobRecord:
        job = JobRecord(job_id, Status.RECEIVING, timestamp(clock()), items, items_per_task, "hash")
        table.create(job)
        table.accept(job_id)
        return replace(job, status=Status.QUEUED)

    return put


@pytest.fixture
def world(table: JobTable, queue_url: str, batch: BatchDouble, clock: Clock) -> World:
    return World(queue_url, batch, clock)
