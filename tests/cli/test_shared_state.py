"""Two people, two folders, one state in S3: each sees what the other did, and neither the lock."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from calls import Calls
from click.testing import Result

from batchctl.engine.s3_store import S3Store

Batchctl = Callable[..., Result]
CONFIG = "state: s3://company/batchctl\ncompute: {image: 'x:1'}\n"
KEY = "batchctl/123456789012/us-east-1/batchapp.state.json"
pytestmark = pytest.mark.usefixtures("account")


@pytest.fixture
def s3(account: None) -> Any:
    client: Any = boto3.client("s3", region_name="us-east-1")
    client.create_bucket(Bucket="company")
    return client


@pytest.fixture
def at(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Path]:
    """Go to somebody's folder, which has config.yaml alone."""
    folders: dict[str, Path] = {}

    def go(who: str) -> Path:
        if who not in folders:
            folders[who] = tmp_path_factory.mktemp(who)
            (folders[who] / "config.yaml").write_text(CONFIG)
        monkeypatch.chdir(folders[who])
        return folders[who]

    return go


def state(s3: Any) -> Any:
    return json.loads(s3.get_object(Bucket="company", Key=KEY)["Body"].read())


def test_what_one_deployed_the_other_changes_uses_and_deletes(
    batchctl: Batchctl, calls: Calls, s3: Any, at: Callable[[str], Path]
) -> None:
    alice = at("alice")
    made = batchctl("up", "--api-mode", "restapi", "--auth", "iam", "--yes")
    assert made.exit_code == 0, made.stderr
    assert state(s3)["lock"] is None
    assert not list(alice.glob(".batchctl/*.state.json"))
    at("bob")
    assert batchctl("jobs").exit_code == 0
    # The flags that alice gave are remembered for bob, too.
    refused = batchctl("up", "--yes")
    assert refused.exit_code == 2
    assert "deployed is `restapi`" in refused.stderr
    calls.made.clear()
    same = batchctl("up", "--api-mode", "restapi", "--auth", "iam", "--yes")
    assert same.exit_code == 0, same.stderr
    assert "no changes" in same.stderr
    assert set(calls.writes) <= {"s3.PutObject"}
    gone = batchctl("down", "--yes")
    assert gone.exit_code == 0, gone.stderr
    at("alice")
    assert state(s3)["resources"] == {}
    assert "not deployed" in batchctl("jobs").stderr


def test_the_second_run_is_told_who_works_and_unlock_frees_a_run_that_is_gone(
    batchctl: Batchctl, calls: Calls, s3: Any, at: Callable[[str], Path]
) -> None:
    at("alice")
    assert batchctl("up", "--yes").exit_code == 0
    document = state(s3)
    holder = {"user": "alice", "host": "ci-7", "pid": "1", "command": "batchctl up", "run": "r"}
    document["lock"] = {**holder, "since": "2026-11-28T10:00:00+00:00"}
    s3.put_object(Bucket="company", Key=KEY, Body=json.dumps(document).encode())
    at("bob")
    calls.made.clear()
    refused = batchctl("up", "--yes")
    assert refused.exit_code == 1
    assert "`batchctl up` of alice@ci-7 (process 1) has held it since 2026-11-28" in refused.stderr
    assert "`batchctl unlock`" in refused.stderr
    assert calls.writes == []
    assert "alice@ci-7" in batchctl("unlock", "--yes").stderr
    assert batchctl("up", "--yes").exit_code == 0


def test_a_run_that_lost_its_lock_makes_nothing_more(
    batchctl: Batchctl, calls: Calls, s3: Any, at: Callable[[str], Path], monkeypatch: Any
) -> None:
    at("alice")
    write = S3Store.write
    written: list[int] = []

    def freed_meanwhile(store: S3Store, *more: Any) -> None:
        """Somebody takes this run for gone, as it pauses in the midst of its work."""
        written.append(1)
        if len(written) == 3:
            S3Store(s3, "company", KEY).free()
            calls.made.clear()
        write(store, *more)

    monkeypatch.setattr(S3Store, "write", freed_meanwhile)
    ended = batchctl("up", "--yes")
    assert ended.exit_code == 1
    assert "could not write the state `s3://company/batchctl/" in ended.stderr
    monkeypatch.setattr(S3Store, "write", write)
    at("bob")
    made = batchctl("up", "--yes", "--adopt")
    assert made.exit_code == 0, made.stderr
    assert len(boto3.client("sqs").list_queues()["QueueUrls"]) == 3


def test_a_lost_state_is_a_question_and_an_old_one_is_refused_before_anything_is_changed(
    batchctl: Batchctl, calls: Calls, s3: Any, at: Callable[[str], Path]
) -> None:
    folder = at("alice")
    assert batchctl("up", "--yes").exit_code == 0
    old = s3.get_object(Bucket="company", Key=KEY)["Body"].read()
    (folder / "config.yaml").write_text(f"{CONFIG}queue: {{max_receive_count: 9}}\n")
    assert batchctl("up", "--api-mode", "restapi", "--auth", "iam", "--yes").exit_code == 0
    s3.put_object(Bucket="company", Key=KEY, Body=old)
    calls.made.clear()
    for command in (("up", "--yes", "--api-mode", "alb", "--auth", "none"), ("down", "--yes")):
        refused = batchctl(*command)
        assert refused.exit_code == 1, refused.stderr
        assert "it is older than the stack" in refused.stderr
    assert set(calls.writes) <= {"s3.PutObject"}
    s3.delete_object(Bucket="company", Key=KEY)
    assert batchctl("down", "--yes").exit_code == 2
    taken = batchctl("up", "--yes", "--adopt", "--api-mode", "restapi", "--auth", "iam")
    assert taken.exit_code == 0, taken.stderr
    assert batchctl("down", "--yes").exit_code == 0


def test_a_bucket_that_cannot_be_read_is_named(
    batchctl: Batchctl, at: Callable[[str], Path]
) -> None:
    at("alice")
    refused = batchctl("up", "--yes")
    assert refused.exit_code == 1
    assert "could not read the state `s3://company/batchctl/" in refused.stderr
