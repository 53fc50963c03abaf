"""The commands that go by the account, as a user types them: cancel, retry, logs, why and more."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import boto3
import pytest
from click.testing import Result
from job_api import FAILED, NO_MEMORY, JobApi, counts

from batchctl.contract.job_record import JobRecord, new_item
from batchctl.contract.statuses import Status

Batchctl = Callable[..., Result]


def put_job(status: str) -> None:
    job = JobRecord("demo-1", Status(status), "2026-11-23T10:00:00.000000Z", 2, 1, "hash")
    boto3.client("dynamodb").put_item(TableName="batchapp-jobs", Item=new_item(job))


@pytest.mark.usefixtures("in_account")
def test_cancel_tells_what_had_become_of_the_tasks(
    batchctl: Batchctl, tracker: SimpleNamespace
) -> None:
    tasks = counts(total=3, succeeded=2, failed=1)
    tracker.answer = {"job_id": "demo-1", "status": "CANCELLED", "tasks": tasks}
    shown = batchctl("cancel", "demo-1")
    assert shown.exit_code == 0
    assert "demo-1 is CANCELLED: 2 of 3 tasks had succeeded, 1 failed" in shown.stderr
    found = json.loads(batchctl("cancel", "demo-1", "--json").stdout)
    assert {name: found[name] for name in tracker.answer} == tracker.answer
    assert tracker.asked[0] == (
        "batchapp-JobTracker",
        {"action": "cancel", "job_id": "demo-1"},
    )


@pytest.mark.usefixtures("in_account")
@pytest.mark.parametrize(("given", "mib"), [("4096", 4096), ("4GiB", 4096), ("512m", 512)])
def test_retry_sends_its_options_and_tells_the_attempt(
    batchctl: Batchctl, tracker: SimpleNamespace, given: str, mib: int
) -> None:
    tracker.answer = {"job_id": "demo-1", "status": "QUEUED", "attempt": 2, "items": 5, "tasks": 1}
    shown = batchctl("retry", "demo-1", "--memory", given, "--on-demand")
    assert "demo-1 is QUEUED: attempt 2 has 5 items in 1 task" in shown.stderr
    ((_, asked),) = tracker.asked
    assert (asked["memory_mib"], asked["on_demand"]) == (mib, True)


@pytest.mark.usefixtures("in_account")
@pytest.mark.parametrize("memory", ["", "much", "3", "1.5GiB", "4TiB", "GiB", "٣٣٣"])
def test_what_is_no_memory_is_a_usage_error(
    batchctl: Batchctl, tracker: SimpleNamespace, memory: str
) -> None:
    refused = batchctl("retry", "demo-1", "--memory", memory)
    assert refused.exit_code == 2
    assert "is not an amount of memory" in refused.stderr
    assert tracker.asked == []


@pytest.mark.usefixtures("in_account")
def test_a_refusal_is_an_error_with_a_hint(batchctl: Batchctl, tracker: SimpleNamespace) -> None:
    tracker.answer = {"error": "it is RUNNING", "code": 409}
    refused = batchctl("retry", "demo-1")
    assert refused.exit_code == 1
    assert "error: could not retry job `demo-1`: it is RUNNING" in refused.stderr
    assert "hint: `batchctl show demo-1`" in refused.stderr


@pytest.mark.usefixtures("deployed", "account")
@pytest.mark.parametrize(
    "command", [("cancel", "demo-1"), ("logs", "demo-1"), ("why", "demo-1"), ("dead-letters",)]
)
def test_before_up_the_commands_say_to_run_it(batchctl: Batchctl, command: tuple[str, ...]) -> None:
    refused = batchctl(*command)
    assert refused.exit_code == 2
    assert "doesn't know it" in refused.stderr
    assert "`batchctl up`" in refused.stderr


@pytest.mark.usefixtures("in_account")
def test_a_job_can_be_cancelled_without_a_config(
    folder: Path, batchctl: Batchctl, tracker: SimpleNamespace
) -> None:
    (folder / "config.yaml").unlink()
    tracker.answer = {"job_id": "demo-1", "status": "CANCELLED", "tasks": counts(total=1)}
    shown = batchctl("cancel", "demo-1")
    assert shown.exit_code == 0, shown.stderr
    assert "using the state file" in shown.stderr


@pytest.mark.usefixtures("in_account")
def test_logs_of_a_job_that_hasnt_started_say_so(batchctl: Batchctl) -> None:
    put_job("QUEUED")
    shown = batchctl("logs", "demo-1")
    assert shown.exit_code == 0
    assert "no lines: demo-1 is QUEUED" in shown.stderr
    assert shown.stdout == ""


@pytest.mark.usefixtures("in_account")
def test_why_tells_errors_findings_and_fixes_and_json_has_the_same(
    batchctl: Batchctl, api: JobApi
) -> None:
    put_job("QUEUED")
    api.looks, api.failed = [FAILED], {0: NO_MEMORY}
    shown = batchctl("why", "demo-1").stdout
    assert "demo-1 is FAILED" in shown
    assert "1: OUT_OF_MEMORY: the task needed more memory\n" in shown
    assert "fix:   wait a minute. If nothing happens, the log of JobSplitter" in shown
    found = json.loads(batchctl("why", "demo-1", "--json").stdout)
    assert found["errors"] == {"OUT_OF_MEMORY: the task needed more memory": 1}
    assert len(found["findings"]) == 1


@pytest.mark.usefixtures("in_account")
def test_dead_letters_are_shown_and_dropped_after_a_question(batchctl: Batchctl) -> None:
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName="batchapp-dead_letters")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody='{"job_id": "demo-1"}')
    shown = json.loads(batchctl("dead-letters", "show", "--queue", "jobs", "--json").stdout)
    assert [(each["queue"], each["subject"]) for each in shown["dead_letters"]] == [
        ("jobs", "demo-1")
    ]
    assert "demo-1" in batchctl("dead-letters").stdout
    refused = batchctl("dead-letters", "drop", "--queue", "jobs")
    assert refused.exit_code == 2
    assert "pass `--yes`" in refused.stderr
    dropped = batchctl("dead-letters", "drop", "--queue", "jobs", "--yes", "--json")
    assert json.loads(dropped.stdout) == {"messages": {"jobs": 1}}


@pytest.mark.usefixtures("in_account")
def test_delete_asks_first_and_goes_on_until_all_is_gone(
    batchctl: Batchctl, tracker: SimpleNamespace
) -> None:
    refused = batchctl("delete", "demo-1")
    assert (refused.exit_code, tracker.asked) == (2, [])
    assert "pass `--yes`" in refused.stderr
    tracker.answer = {"job_id": "demo-1", "deleted": True}
    assert batchctl("delete", "demo-1", "--yes").stderr == "deleted demo-1\n"
    assert tracker.asked == [("batchapp-JobTracker", {"action": "delete", "job_id": "demo-1"})]


@pytest.mark.usefixtures("in_account")
def test_retry_can_wait_for_the_end(
    batchctl: Batchctl, tracker: SimpleNamespace, api: JobApi
) -> None:
    tracker.answer = {"job_id": "demo-1", "status": "QUEUED", "attempt": 2, "items": 5, "tasks": 1}
    api.looks = [FAILED]
    assert batchctl("retry", "demo-1", "--wait").exit_code == 4
