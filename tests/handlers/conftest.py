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
from surroundings import QUEUE_ARN, TABLE, Clock, a_monitor, a_store, lambda_context

from batchctl.contract.job_record import JobRecord
from batchctl.contract.statuses import Status
from batchctl.contract.timestamps import timestamp
from handlers import api, clients, receiver, wiring
from handlers.batch.messages import Messages
from handlers.batch.split_lease import SplitLeases
from handlers.batch.splitter import Splitter
from handlers.batch.submission import Submission
from handlers.batch.termination import HandOver, Marker, Terminator
from handlers.http.reader import Reader
from handlers.store.jobs import JobStore
from handlers.store.results import Results
from handlers.store.universe import Universe
from handlers.tracking.cancel import Canceller
from handlers.tracking.events import Tracker
from handlers.tracking.monitor import Monitor
from handlers.tracking.retry import Retrier

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import KeySchemaElementTypeDef

EVENTS = Path(__file__).parent / "events"
FROM_ENVIRONMENT = [each for each in vars(wiring).values() if hasattr(each, "cache_clear")]


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
def table(aws: None, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> JobStore:
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
    return a_store(clients.dynamodb(), clock)


@pytest.fixture
def queue_url(aws: None, monkeypatch: pytest.MonkeyPatch) -> str:
    url = clients.sqs().create_queue(QueueName="batchapp-requests")["QueueUrl"]
    monkeypatch.setenv("QUEUE_URL", url)
    monkeypatch.setenv("ITEMS_PER_TASK", "1")
    return url


@pytest.fixture
def messages(queue_url: str) -> Messages:
    return Messages(clients.sqs(), queue_url)


@pytest.fixture
def messages_sent(queue_url: str) -> Callable[[], int]:
    """Count the messages that wait for the splitter."""

    def count() -> int:
        attributes = clients.sqs().get_queue_attributes(
            QueueUrl=queue_url, AttributeNames=["ApproximateNumberOfMessages"]
        )["Attributes"]
        return int(attributes["ApproximateNumberOfMessages"])

    return count


@pytest.fixture
def put(
    table: JobStore, queue_url: str, context: LambdaContext
) -> Callable[[dict[str, Any]], tuple[int, Any]]:
    """Send an event to the receiver; gives the status code and the parsed body."""

    def send(event: dict[str, Any]) -> tuple[int, Any]:
        answer = receiver.handler(event, context)
        return answer["statusCode"], json.loads(answer["body"])

    return send


@pytest.fixture
def leases(table: JobStore) -> SplitLeases:
    return SplitLeases(table)


@pytest.fixture
def submission(batch: BatchDouble, clock: Clock) -> Submission:
    double: Any = batch
    return Submission(double, double, QUEUE_ARN, "batchapp-compute", clock.sleep, "batchapp")


@pytest.fixture
def trackers_terminator(
    table: JobStore, submission: Submission, batch: BatchDouble, messages: Messages
) -> Terminator:
    double: Any = batch
    return Terminator(table, submission, double, HandOver(messages))


@pytest.fixture
def terminator(table: JobStore, submission: Submission, batch: BatchDouble) -> Terminator:
    double: Any = batch
    return Terminator(table, submission, double, Marker(submission, double))


@pytest.fixture
def job_splitter(leases: SplitLeases, submission: Submission, terminator: Terminator) -> Splitter:
    return Splitter(leases, submission, terminator)


@pytest.fixture
def universe(table: JobStore) -> Universe:
    return table.universe


@pytest.fixture
def results(table: JobStore) -> Results:
    return table.results


@pytest.fixture
def monitor(table: JobStore, batch: BatchDouble, clock: Clock, messages: Messages) -> Monitor:
    double: Any = batch
    return a_monitor(table.client, double, clock, messages)


@pytest.fixture
def tracker(monitor: Monitor, batch: BatchDouble) -> Tracker:
    double: Any = batch
    return Tracker(monitor.store, monitor, double)


@pytest.fixture
def canceller(monitor: Monitor, trackers_terminator: Terminator) -> Canceller:
    return Canceller(monitor.store, monitor, trackers_terminator)


@pytest.fixture
def retrier(monitor: Monitor, trackers_terminator: Terminator, messages: Messages) -> Retrier:
    return Retrier(monitor.store, monitor, trackers_terminator, messages, has_on_demand=True)


@pytest.fixture
def reader(monitor: Monitor, messages: Messages) -> Reader:
    return Reader(monitor.store, monitor, messages)


@pytest.fixture
def event() -> Callable[[str], dict[str, Any]]:
    """Read an event as AWS sends it from events/."""

    def read(name: str) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
        return loaded

    return read


@pytest.fixture
def jobs(
    table: JobStore,
    universe: Universe,
    job_splitter: Splitter,
    batch: BatchDouble,
    clock: Clock,
) -> Jobs:
    return Jobs(table, universe, job_splitter, batch, clock)


@pytest.fixture
def get(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, Any]]:
    """Ask the API's handler; gives the status code and the parsed body."""
    monkeypatch.setattr(wiring, "reader", lambda: reader)

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
def queued(table: JobStore, clock: Clock) -> Callable[..., JobRecord]:
    """Put a job of so many items into the table, QUEUED."""

    def put(job_id: str = "demo-1", items: int = 2, items_per_task: int = 1) -> JobRecord:
        job = JobRecord(job_id, Status.RECEIVING, timestamp(clock()), items, items_per_task, "hash")
        table.create(job)
        table.accept(job_id)
        return replace(job, status=Status.QUEUED)

    return put


@pytest.fixture
def world(table: JobStore, queue_url: str, batch: BatchDouble, clock: Clock) -> World:
    return World(queue_url, batch, clock)
