"""The receiver makes a job durable before it says so, and the same request again is safe."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from batch_double import batch_error
from surroundings import A_JOB, TABLE, Clock, a_store

from batchctl.contract.job_record import JobRecord
from batchctl.contract.statuses import Status
from batchctl.contract.table import key
from handlers import clients, wiring
from handlers.batch.messages import Messages
from handlers.http.receiver import Receiver
from handlers.http.request import NewTask
from handlers.http.slicing import Slicing
from handlers.store.batch_write import MAX_ROUNDS, WriteRefusedError
from handlers.store.jobs import JobStore
from handlers.store.universe import Universe

Put = Callable[[dict[str, Any]], tuple[int, Any]]
Event = Callable[[str], dict[str, Any]]

SENT = ["000002.XSHE", "000004.XSHE"]


def put_event(event: Event, **fields: Any) -> dict[str, Any]:
    body = {"job_id": "demo-1", "universe": SENT} | fields
    return event("alb_put") | {"body": json.dumps(body)}


def messages(queue_url: str) -> list[Any]:
    """Take the bodies of what is in the queue."""
    received = clients.sqs().receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10)
    return [json.loads(message["Body"]) for message in received.get("Messages", [])]


def record(table: JobStore, job_id: str = "demo-1") -> JobRecord:
    job = table.read(job_id)
    assert job is not None
    return job


@pytest.mark.parametrize("name", ["alb_put", "alb_put_base64", "alb_put_multi_value", "rest_put"])
def test_a_job_is_queued_whatever_door_it_comes_through(
    *, put: Put, event: Event, table: JobStore, universe: Universe, queue_url: str, name: str
) -> None:
    status, body = put(event(name))

    assert status == 202
    assert body == {
        "job_id": "demo-1",
        "status": "QUEUED",
        "tasks": 2,
        "href": "/v1/tasks/demo-1",
    }
    job = record(table)
    assert (job.status, job.items, job.parameters) == (Status.QUEUED, 2, '{"paths":1000}')
    assert list(universe.read(A_JOB)) == SENT
    assert messages(queue_url) == [{"job_id": "demo-1"}]


def test_the_same_request_again_is_a_200_and_queues_nothing(
    put: Put, event: Event, queue_url: str
) -> None:
    put(put_event(event))
    messages(queue_url)

    status, body = put(put_event(event, parameters={}))

    assert (status, body["status"], body["tasks"]) == (200, "QUEUED", 2)
    assert messages(queue_url) == []


@pytest.mark.parametrize(
    "other", [{"universe": SENT[::-1]}, {"universe": SENT[:1]}, {"parameters": {"paths": 1}}]
)
def test_the_same_job_id_with_other_content_is_a_409_and_changes_nothing(
    put: Put, event: Event, table: JobStore, universe: Universe, other: dict[str, Any]
) -> None:
    put(put_event(event))
    before = record(table)

    status, body = put(put_event(event, **other))

    assert (status, body["field"]) == (409, "job_id")
    assert record(table) == before
    assert list(universe.read(A_JOB)) == SENT


def test_a_refused_request_leaves_no_trace(put: Put, event: Event, table: JobStore) -> None:
    status, body = put(put_event(event, universe=["A", "A"]))

    assert (status, body["field"]) == (400, "universe[1]")
    assert table.read("demo-1") is None


def test_a_job_that_is_being_received_keeps_its_job_id_from_other_content(
    put: Put, event: Event, table: JobStore
) -> None:
    put(put_event(event))
    receiving = replace(record(table), job_id="demo-2", status=Status.RECEIVING)
    table.create(receiving)

    status, _ = put(put_event(event, job_id="demo-2", universe=["OTHER"]))

    assert status == 409
    assert record(table, "demo-2") == receiving


def test_items_per_task_is_of_the_first_request_though_the_setting_has_changed(
    put: Put, event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(put_event(event))
    monkeypatch.setenv("ITEMS_PER_TASK", "2")
    wiring.receiver.cache_clear()

    assert put(put_event(event))[1]["tasks"] == 2
    assert put(put_event(event, job_id="demo-2"))[1]["tasks"] == 1


def test_an_aws_service_that_fails_is_a_503_and_the_retry_queues_the_job(
    put: Put, event: Event, queue_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(clients.sqs(), "send_message", _failing)
        assert put(put_event(event))[0] == 503
    assert messages(queue_url) == []

    assert put(put_event(event))[0] == 202
    assert messages(queue_url) == [{"job_id": "demo-1"}]


def _failing(**_: Any) -> None:
    raise batch_error("InternalError", 500)


class CountingClient:
    """A DynamoDB client of which BatchWriteItem leaves something undone at first."""

    def __init__(self, undone: int) -> None:
        self.client = clients.dynamodb()
        self.undone = undone
        self.calls = 0
        self.most_puts = 0
        self.most_bytes = 0

    def batch_write_item(self, **request: Any) -> dict[str, Any]:
        (puts,) = request["RequestItems"].values()
        self.calls += 1
        self.most_puts = max(self.most_puts, len(puts))
        self.most_bytes = max(self.most_bytes, len(json.dumps(puts, ensure_ascii=False).encode()))
        if self.undone > 0:
            self.undone -= 1
            self.client.batch_write_item(RequestItems={TABLE: puts[1:]})
            return {"UnprocessedItems": {TABLE: puts[:1]}}
        return {"UnprocessedItems": {}}


def test_what_dynamodb_leaves_unprocessed_is_written_in_the_end(
    table: JobStore, clock: Clock
) -> None:
    client: Any = CountingClient(undone=3)
    client.batch_write_item = _through(client)
    items = [f"{number:06d}" for number in range(1000)]

    a_store(client, clock).universe.write(A_JOB, items)

    assert list(table.universe.read(A_JOB)) == items
    assert len(clock.slept) == 3


def _through(client: CountingClient) -> Callable[..., Any]:
    """Let what isn't left undone through to the table."""
    scripted = client.batch_write_item

    def write(**request: Any) -> Any:
        undone = client.undone > 0
        return scripted(**request) if undone else client.client.batch_write_item(**request)

    return write


def test_a_table_that_takes_nothing_is_given_up_in_time(aws: None, clock: Clock) -> None:
    client: Any = CountingClient(undone=0)
    client.batch_write_item = lambda RequestItems: {"UnprocessedItems": RequestItems}  # noqa: N803 AWS's name

    with pytest.raises(WriteRefusedError):
        a_store(client, clock).universe.write(A_JOB, ["A"])

    assert len(clock.slept) == MAX_ROUNDS
    assert sum(clock.slept) < 20


def test_a_million_items_take_one_call_in_6250(aws: None, clock: Clock) -> None:
    client: Any = CountingClient(undone=0)

    a_store(client, clock).universe.write(A_JOB, [f"{n:07d}" for n in range(1_000_000)])

    assert (client.calls, client.most_puts, clock.slept) == (160, 25, [])


def test_the_biggest_items_stay_below_dynamodbs_limits(aws: None, clock: Clock) -> None:
    client: Any = CountingClient(undone=0)
    items = ["\U0001f600" * 252 + f"{number:04d}" for number in range(6250)]

    a_store(client, clock).universe.write(A_JOB, items)

    assert client.calls == 1
    assert client.most_bytes < 16 * 1024 * 1024
    assert client.most_bytes / client.most_puts < 400 * 1024


def test_the_record_says_when_the_job_came(table: JobStore, messages: Messages) -> None:
    job_receiver = Receiver(table, messages, Slicing(3))

    received = job_receiver.receive(NewTask("demo-1", ["A", "B", "C", "D"], "{}", "hash"))

    job = received.job
    assert received.is_new
    assert (job.created_at, job.tasks) == ("2026-09-21T14:13:20.000000Z", 2)
    item = table.client.get_item(TableName=TABLE, Key=key("demo-1"))["Item"]
    assert (item["tasks"], item["listing"]) == ({"N": "2"}, {"S": "JOB"})
