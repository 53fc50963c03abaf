"""A universe that comes in parts: nothing begins before all are there, and then it is one job."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import ALBEvent
from fates import Fate, Killed, World
from surroundings import A_JOB, TABLE, Clock

from batchctl.contract.control import Action, Request
from batchctl.contract.job_options import JobOptions
from batchctl.contract.job_record import JobRecord
from batchctl.contract.limits import MAX_ITEMS
from batchctl.contract.retention import DAY_S, Retention
from batchctl.contract.statuses import Status
from batchctl.contract.table import PIECE_PREFIX
from handlers.batch.messages import Messages
from handlers.batch.split_lease import LeaseHeldError
from handlers.batch.splitter import Splitter
from handlers.http.receiver import Receiver
from handlers.http.request import NewTask, Part, parse
from handlers.http.slicing import Slicing
from handlers.store import parts
from handlers.store.jobs import JobStore
from handlers.store.universe import Universe
from handlers.tracking.cancel import Canceller
from handlers.tracking.retry import Invocation, Retrier

Put = Callable[[dict[str, Any]], tuple[int, Any]]
Event = Callable[[str], dict[str, Any]]

ENTRIES: list[Any] = [f"item-{n}" for n in range(900)]
ENTRIES[700] = {"item": "item-700", "parameters": {"paths": 3}}
ITEMS = [f"item-{n}" for n in range(900)]
CUTS = (0, 333, 700, 900)
OF = len(CUTS) - 1


@pytest.fixture
def send(put: Put, event: Event) -> Callable[..., tuple[int, Any]]:
    """Send a part of the universe, or with no number all of it."""

    def send(number: int | None, **fields: Any) -> tuple[int, Any]:
        part = {} if number is None else {"part": {"number": number, "of": OF}}
        entries = ENTRIES if number is None else ENTRIES[CUTS[number - 1] : CUTS[number]]
        body = {"job_id": "demo-1", "universe": entries, **part, **fields}
        return put(event("alb_put") | {"body": json.dumps(body)})

    return send


Send = Callable[..., tuple[int, Any]]


def record(table: JobStore) -> JobRecord:
    job = table.read("demo-1")
    assert job is not None
    return job


def pieces(table: JobStore) -> int:
    """Count what is left of the parts."""
    items = table.client.scan(TableName=TABLE)["Items"]
    return sum(item["item"]["S"].startswith(PIECE_PREFIX) for item in items)


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2), (2, 1, 1, 3)])
def test_the_job_begins_with_the_last_part_in_whatever_order_they_come(
    send: Send,
    table: JobStore,
    messages_sent: Callable[[], int],
    job_splitter: Splitter,
    universe: Universe,
    order: tuple[int, ...],
) -> None:
    *before, last = order
    for at, number in enumerate(before):
        received = len(set(before[: at + 1]))
        assert send(number) == (
            202,
            {"job_id": "demo-1", "parts": {"received": received, "of": OF}},
        )
        assert (table.shown("demo-1"), table.listing.page(10, None)[0]) == (None, [])
    assert messages_sent() == 0

    status, body = send(last)

    assert (status, body["status"], body["tasks"]) == (202, "QUEUED", 900)
    assert messages_sent() == 1
    job_splitter.split("demo-1", "invocation-1", 60_000)
    assert list(universe.read(A_JOB)) == ITEMS
    own = {
        c.start + at: given for c in universe.chunks(record(table)) for at, given in c.own.items()
    }
    assert own == {700: '{"paths":3}'}
    assert (record(table).status, record(table).parts) == (Status.SUBMITTED, None)
    assert pieces(table) == 0


def test_a_job_of_parts_is_the_same_as_one_of_a_single_request(send: Send, table: JobStore) -> None:
    for number in (1, 2, 3):
        send(number)

    status, body = send(None)

    assert (status, body["status"]) == (200, "QUEUED")
    whole = parse_of(ENTRIES)
    assert (record(table).content_hash, record(table).items) == (whole.content_hash, 900)


def parse_of(entries: list[Any]) -> NewTask:
    body = json.dumps({"job_id": "demo-1", "universe": entries})
    return parse(ALBEvent({"body": body, "isBase64Encoded": False}))


@pytest.mark.parametrize("split", [False, True])
def test_a_part_that_is_sent_again_later_is_known(
    send: Send, job_splitter: Splitter, messages_sent: Callable[[], int], split: bool
) -> None:
    for number in (1, 2, 3):
        send(number)
    if split:
        job_splitter.split("demo-1", "invocation-1", 60_000)

    for number in (1, 2, 3):
        status, body = send(number)
        assert (status, body["tasks"]) == (200, 900)

    assert messages_sent() == 1
    assert send(2, universe=["other"])[0] == 409


@pytest.mark.parametrize(
    "fields",
    [
        {"universe": ["other"]},
        {"parameters": {"x": 1}},
        {"part": {"number": 1, "of": 4}},
    ],
)
def test_a_part_of_another_upload_is_refused_and_changes_nothing(
    send: Send, job_splitter: Splitter, universe: Universe, fields: dict[str, Any]
) -> None:
    send(1)

    assert send(1, **fields)[0] == 409

    send(2)
    send(3)
    job_splitter.split("demo-1", "invocation-1", 60_000)
    assert list(universe.read(A_JOB)) == ITEMS


def test_a_job_that_came_whole_takes_no_part_and_an_upload_no_whole_job(send: Send) -> None:
    send(None)
    assert send(1)[0] == 409
    send(1, job_id="demo-2")
    assert send(None, job_id="demo-2")[0] == 409


def test_an_item_in_two_parts_is_refused(send: Send, messages_sent: Callable[[], int]) -> None:
    send(1)
    send(2)
    status, body = send(3, universe=["item-1"])
    assert (status, body["field"]) == (400, "universe")
    assert messages_sent() == 0


def test_the_limits_are_those_of_the_whole_universe(
    send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(1)
    send(2)
    monkeypatch.setattr("handlers.http.upload.MAX_UNIVERSE_BYTES", 5_000)
    assert send(3)[0] == 413
    monkeypatch.setattr("handlers.http.upload.MAX_UNIVERSE_BYTES", 10**9)
    monkeypatch.setattr("handlers.http.upload.MAX_ITEMS", 800)
    assert send(3)[0] == 400
    monkeypatch.setattr("handlers.http.upload.MAX_ITEMS", MAX_ITEMS)
    assert send(3)[0] == 202


@pytest.mark.parametrize(
    ("part", "field"),
    [
        (1, "part"),
        ({"number": 1}, "part"),
        ({"number": 1, "of": 2, "x": 3}, "part"),
        ({"number": 0, "of": 2}, "part.number"),
        ({"number": 3, "of": 2}, "part.number"),
        ({"number": 1, "of": 1001}, "part.of"),
        ({"number": "1", "of": 2}, "part.number"),
        ({"number": True, "of": 2}, "part.number"),
    ],
)
def test_a_part_that_makes_no_sense_is_refused(send: Send, part: Any, field: str) -> None:
    status, body = send(1, part=part)
    assert (status, body["field"]) == (400, field)


def test_a_share_of_failures_is_of_the_whole_universe(send: Send, table: JobStore) -> None:
    for number in (1, 2, 3):
        send(number, max_failures="10%")
    assert record(table).max_failures == 90


def test_an_upload_that_is_never_completed_is_forgotten_after_a_week(
    send: Send, table: JobStore, clock: Clock, world: World, job_splitter: Splitter
) -> None:
    def task(number: int, entries: list[str]) -> NewTask:
        return replace(parse_of(entries), part=Part(number, 2))

    world.receive(Fate(), task(1, ["A"]))
    expires_at = record(table).expires_at
    assert expires_at == int(clock()) + 7 * DAY_S
    items = table.client.scan(TableName=TABLE)["Items"]
    assert {item.get("expires_at", {}).get("N") for item in items if "content" in item} == {
        str(expires_at)
    }

    clock.sleep(7 * DAY_S + 1)
    assert world.receive(Fate(), task(1, ["B"])).parts == 1
    world.receive(Fate(), task(2, ["C"]))
    job_splitter.split("demo-1", "invocation-1", 60_000)
    assert list(table.universe.read(record(table))) == ["B", "C"]
    assert record(table).expires_at is None


def test_a_complete_job_is_kept_as_long_as_any_other(
    table: JobStore, clock: Clock, messages: Messages
) -> None:
    store = replace(table, retention=Retention(30))
    for task in LAST:
        Receiver(store, messages, Slicing(1)).receive(task)
    assert record(table).expires_at == store.retention.expiry(clock())


def test_a_large_part_is_stored_in_pieces(
    send: Send, job_splitter: Splitter, universe: Universe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "PIECE_BYTES", 100)
    for number in (1, 2, 3):
        send(number)
    job_splitter.split("demo-1", "invocation-1", 60_000)
    assert list(universe.read(A_JOB)) == ITEMS


def test_what_takes_longer_than_a_splitter_has_goes_on_in_the_next_one(
    send: Send, table: JobStore, job_splitter: Splitter, universe: Universe, clock: Clock
) -> None:
    for number in (1, 2, 3):
        send(number)

    for attempt in range(OF):
        with pytest.raises(LeaseHeldError):
            job_splitter.split("demo-1", f"invocation-{attempt}", 0)
        clock.sleep(360)
    assert record(table).batch_jobs == ()
    job_splitter.split("demo-1", "invocation-9", 60_000)

    assert list(universe.read(A_JOB)) == ITEMS
    assert record(table).status is Status.SUBMITTED


def test_a_job_that_was_cancelled_before_it_was_split_can_be_retried(
    send: Send, canceller: Canceller, retrier: Retrier, universe: Universe, table: JobStore
) -> None:
    for number in (1, 2, 3):
        send(number)
    canceller.cancel("demo-1", float("inf"))

    retrier.retry(Request(Action.RETRY, "demo-1"), Invocation("call-1", 60_000), float("inf"))

    assert list(universe.read(record(table), run=2)) == ITEMS


LAST = [
    replace(parse_of([f"item-{n}" for n in part]), part=Part(at, 2))
    for at, part in enumerate((range(300), range(300, 600)), start=1)
]


def last_calls(world: World) -> int:
    fate = Fate()
    world.receive(Fate(), LAST[0])
    world.receive(fate, LAST[1])
    return next(fate.calls)


def test_the_last_parts_matrix_has_every_call(world: World) -> None:
    assert last_calls(world) == CALLS


# PutItem, GetItem; the mark: GetItem; the pieces and the mark: BatchWriteItem, PutItem; the marks:
# Query; the parts: Query, and one for each of two; UpdateItem; SendMessage, UpdateItem
CALLS = 12


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", range(CALLS))
def test_a_receiver_that_is_killed_loses_no_part_and_makes_one_job(
    world: World, table: JobStore, call: int, after: bool
) -> None:
    world.receive(Fate(), LAST[0])
    # The first call is refused by the table: after it nobody is left to be killed.
    with pytest.raises(Killed) if (call, after) != (0, True) else nullcontext():
        world.receive(Fate(call, after), LAST[1])

    world.receive(Fate(), LAST[1])

    for number, _ in enumerate(world.messages()):
        world.split(f"invocation-{number}", Fate())
    world.check(table)
    assert list(table.universe.read(record(table))) == [f"item-{n}" for n in range(600)]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", range(16))
def test_a_splitter_that_is_killed_while_it_writes_the_universe_leaves_one_run(
    world: World, table: JobStore, call: int, after: bool
) -> None:
    for task in LAST:
        world.receive(Fate(), task)
    try:
        world.split("invocation-1", Fate(call, after))
    except Killed:
        world.clock.sleep(360)

    world.split("invocation-2", Fate())

    world.check(table)
    assert list(table.universe.read(record(table))) == [f"item-{n}" for n in range(600)]
    assert pieces(table) == 0


@pytest.mark.parametrize("call", range(CALLS))
def test_two_last_parts_at_once_make_one_job(world: World, table: JobStore, call: int) -> None:
    world.receive(Fate(), LAST[0])

    def send_again() -> None:
        world.receive(Fate(), LAST[1])

    world.receive(Fate(call, happen=send_again), LAST[1])
    for number, _ in enumerate(world.messages()):
        world.split(f"invocation-{number}", Fate())
    world.check(table)
    assert list(table.universe.read(record(table))) == [f"item-{n}" for n in range(600)]


def test_options_of_the_last_part_count(world: World, table: JobStore) -> None:
    for task in LAST:
        world.receive(Fate(), replace(task, options=JobOptions(items_per_task=100)))
    assert (record(table).items_per_task, record(table).tasks) == (100, 6)
