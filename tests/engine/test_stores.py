"""Both stores of a state keep one contract; one in S3 also keeps apart who works on a stack."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from s3_double import Bucket

from batchctl.aws.clock import Clock
from batchctl.engine.lock import Locked
from batchctl.engine.s3_store import S3Store
from batchctl.engine.state import (
    State,
    StateError,
    StateFile,
    StateIdentity,
    StateRecord,
    StateStore,
)
from batchctl.engine.stores import LocalStore
from batchctl.errors import BatchctlError, Unwritable

HERE = StateIdentity("app", "123456789012", "us-east-1")
KEY = "batchctl/123456789012/us-east-1/app.state.json"
QUEUE = StateRecord("queue", "jobs", outputs={"id": "app-jobs"})
Open = Callable[[], StateStore]
Hold = Callable[[StateStore], None]


class NoPause(Clock):
    """A clock that nobody waits for."""

    def pause(self, seconds: float) -> None:
        del seconds


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


@pytest.fixture
def shared(bucket: Bucket) -> Open:
    """One state in S3, as each of those who share it opens it."""
    return lambda: S3Store(bucket, "company", KEY, NoPause())


@pytest.fixture(params=["file", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path, shared: Open) -> Open:
    """The same state, opened once more, in either store."""
    path = tmp_path / ".batchctl" / "app.state.json"
    return shared if request.param == "s3" else lambda: LocalStore(path)


@pytest.fixture
def hold() -> Iterator[Callable[[StateStore], None]]:
    """Take the lock of a store for as long as the test goes on, as a run does that is paused."""
    held: list[AbstractContextManager[None]] = []

    def take(store: StateStore) -> None:
        lock_of = store.locked()
        held.append(lock_of)
        lock_of.__enter__()

    yield take
    held.clear()


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Have what follows be done on another machine."""
    return lambda: monkeypatch.setattr("socket.gethostname", lambda: "another-host")


def test_what_was_written_is_read_by_the_next(store: Open) -> None:
    assert store().read() is None
    with (mine := store()).locked():
        StateFile.load(mine, HERE).put(QUEUE)
    found = StateFile.load(store(), HERE).state
    assert (found.serial, found.resources) == (1, {"queue.jobs": QUEUE})


def test_a_state_of_another_account_is_refused(store: Open) -> None:
    with (mine := store()).locked():
        StateFile.load(mine, HERE).put(QUEUE)
    other = dataclasses.replace(HERE, account="999999999999")
    with pytest.raises(StateError, match="it belongs to account `123456789012`"):
        StateFile.load(store(), other)


def test_a_second_run_is_told_who_holds_the_lock(store: Open, hold: Hold) -> None:
    with store().locked():
        with pytest.raises(Locked, match=r"could not lock .*`batchctl.*has held it since 20"):
            hold(store())
        assert store().held() is not None
    assert store().held() is None
    with store().locked():
        pass


def test_a_lock_that_is_freed_lets_the_next_run_in(store: Open, hold: Hold) -> None:
    hold(store())
    store().free()
    with store().locked():
        pass


def test_many_changes_at_once_all_arrive(store: Open) -> None:
    with (mine := store()).locked():
        state = StateFile.load(mine, HERE)
        records = [StateRecord("queue", f"q{i}", outputs={"id": str(i)}) for i in range(20)]
        threads = [threading.Thread(target=state.put, args=(each,)) for each in records]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert len(StateFile.load(store(), HERE).state.resources) == 20


def test_when_nothing_is_recorded_any_more_only_what_is_shared_stays(
    store: Open, bucket: Bucket
) -> None:
    with (mine := store()).locked():
        state = StateFile.load(mine, HERE)
        state.put(QUEUE)
        state.remove("queue.jobs")
        state.discard()
    assert (store().read() is not None) == (KEY in bucket.objects)


# S3 alone


def test_of_two_runs_that_begin_at_once_one_gets_the_lock(
    shared: Open, bucket: Bucket, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (before := shared()).locked():
        StateFile.load(before, HERE).put(QUEUE)
    first, second = shared(), shared()
    read = bucket.get_object

    def between(**parameters: Any) -> Any:
        """The other run takes the lock after the first has read that it is free."""
        answer = read(**parameters)
        monkeypatch.undo()
        hold(second)
        return answer

    monkeypatch.setattr(bucket, "get_object", between)
    with pytest.raises(Locked, match="has held it since"):
        hold(first)
    StateFile.load(second, HERE).remove("queue.jobs")
    assert json.loads(bucket.objects[KEY])["serial"] == 2


def test_a_paused_run_that_comes_back_writes_nothing_more_and_ends(
    shared: Open, bucket: Bucket
) -> None:
    paused = shared()
    held = paused.locked()
    held.__enter__()
    state = StateFile.load(paused, HERE)
    state.put(QUEUE)
    shared().free()
    with (other := shared()).locked():
        theirs = StateFile.load(other, HERE)
        theirs.put(StateRecord("table", "jobs", outputs={"id": "t"}))
        before = bucket.objects[KEY]
        with pytest.raises(Unwritable, match="could not write the state `s3://company/"):
            state.put(StateRecord("role", "api", outputs={"id": "r"}))
        with pytest.raises(Locked, match="its lock was freed"):
            paused.read()
        held.__exit__(None, None, None)
        assert bucket.objects[KEY] == before
        theirs.remove("queue.jobs")
    assert set(StateFile.load(shared(), HERE).state.resources) == {"table.jobs"}


def test_a_run_whose_lock_was_freed_and_taken_by_nobody_writes_nothing_either(
    shared: Open, hold: Hold
) -> None:
    paused = shared()
    hold(paused)
    state = StateFile.load(paused, HERE)
    shared().free()
    with pytest.raises(Unwritable):
        state.put(QUEUE)
    assert shared().read() is None


def test_a_lock_of_another_host_stays_until_it_is_freed(
    shared: Open, hold: Hold, elsewhere: Callable[[], None]
) -> None:
    hold(shared())
    elsewhere()
    with pytest.raises(Locked):
        hold(shared())
    held = shared().held()
    assert held is not None
    assert not held.alive


def test_the_lock_of_a_killed_run_of_this_host_is_taken_over(
    shared: Open, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold(shared())
    monkeypatch.setattr("batchctl.engine.s3_store.lives_here", lambda _: False)
    assert shared().held() is None
    with shared().locked():
        pass


def test_a_write_whose_answer_was_lost_is_known_as_this_runs_own(
    shared: Open, bucket: Bucket
) -> None:
    with (mine := shared()).locked():
        state = StateFile.load(mine, HERE)
        bucket.lost = 1
        state.put(QUEUE)
        state.put(StateRecord("table", "jobs", outputs={"id": "t"}))
    assert set(StateFile.load(shared(), HERE).state.resources) == {"queue.jobs", "table.jobs"}


def test_a_conflict_that_s3_says_will_pass_is_waited_for(shared: Open, bucket: Bucket) -> None:
    with (mine := shared()).locked():
        bucket.conflicts = 3
        StateFile.load(mine, HERE).put(QUEUE)
    assert StateFile.load(shared(), HERE).state.resources


def test_the_version_before_a_run_is_kept(shared: Open, bucket: Bucket) -> None:
    with (mine := shared()).locked():
        StateFile.load(mine, HERE).put(QUEUE)
    with (mine := shared()).locked():
        StateFile.load(mine, HERE).remove("queue.jobs")
    assert "queue.jobs" in json.loads(bucket.objects[f"{KEY}.backup"])["resources"]


def test_a_state_that_was_deleted_meanwhile_ends_the_run(shared: Open, bucket: Bucket) -> None:
    with (mine := shared()).locked():
        state = StateFile.load(mine, HERE)
        state.put(QUEUE)
        del bucket.objects[KEY]
        with pytest.raises(Unwritable, match="another run has written it since"):
            state.remove("queue.jobs")


def test_a_damaged_state_names_its_backup_and_is_not_overwritten(
    shared: Open, bucket: Bucket, hold: Hold
) -> None:
    bucket.objects[KEY] = b"{ not json"
    with pytest.raises(StateError) as damaged:
        shared().read()
    assert ".backup" in str(damaged.value.hint)
    with pytest.raises(StateError):
        hold(shared())
    assert bucket.objects[KEY] == b"{ not json"


def test_moto_agrees_on_what_is_sent_and_on_the_conditions(hold: Hold) -> None:
    with mock_aws():
        s3: Any = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="company")
        first = S3Store(s3, "company", KEY)
        with first.locked():
            StateFile.load(first, HERE).put(QUEUE)
            with pytest.raises(Locked):
                hold(S3Store(s3, "company", KEY))
            S3Store(s3, "company", KEY).free()
            with pytest.raises(Unwritable):
                StateFile(first, State(HERE)).put(QUEUE)
        assert S3Store(s3, "company", KEY).read() is not None
        with pytest.raises(BatchctlError, match="could not read the state `s3://nowhere/"):
            S3Store(s3, "nowhere", KEY).read()
