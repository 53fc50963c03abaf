"""The commands about jobs as a user types them: an API on loopback, an account in memory."""

from __future__ import annotations

import contextlib
import io
import json
import signal
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from click.testing import Result
from job_api import JobApi, counts, serving

from batchctl.cli import main
from batchctl.cli.watch import duration
from batchctl.engine.state import Place, Record, State, StateFile

Batchctl = Callable[..., Result]
ACCOUNT, REGION = "123456789012", "us-east-1"
RUNNING = {"status": "RUNNING", "tasks": counts(total=4, pending=1, running=2, succeeded=1)}
DONE = {"status": "SUCCEEDED", "tasks": counts(total=4, succeeded=4)}
FAILED = {"status": "FAILED", "tasks": counts(total=4, succeeded=3, failed=1)}
NO_MEMORY = {"error": "the task needed more memory\nreally", "reason": "OUT_OF_MEMORY"}


@pytest.fixture
def api() -> Iterator[JobApi]:
    with serving(JobApi([DONE])) as made:
        yield made


@pytest.fixture
def deployed(folder: Path, api: JobApi) -> StateFile:
    """A folder whose state knows the application that the API is of."""
    config = f"api: {{port: {api.port}}}\ncompute: {{image: 'x:1'}}\n"
    (folder / "config.yaml").write_text(config)
    path = folder / ".batchctl" / "batchapp.state.json"
    state = StateFile(path, State(Place("batchapp", ACCOUNT, REGION)))
    record(state, "load_balancer", "api", id="api", arn="arn", dns_name="127.0.0.1")
    return state


def record(state: StateFile, kind: str, label: str, **outputs: str) -> None:
    state.put(Record(kind, label, outputs=outputs))


# show and watch


@pytest.mark.usefixtures("deployed")
def test_show_tells_the_attempt_and_what_reclaims_cost(api: JobApi, batchctl: Batchctl) -> None:
    api.looks = [RUNNING | {"attempt": 2, "reclaims": {"count": 3, "seconds": 71.6}}]
    told = batchctl("show", "demo-1")
    assert "attempt:  2\n" in told.stdout
    assert "reclaims: 3, which cost 72 s of work\n" in told.stdout
    assert "4: 1 pending, 2 running, 1 succeeded, 0 failed" in told.stdout
    found = json.loads(batchctl("show", "demo-1", "--json").stdout)
    assert found["reclaims"] == {"count": 3, "seconds": 71.6}
    assert "results" not in found
    assert found["reasons"] == {}


@pytest.mark.usefixtures("deployed")
def test_show_counts_the_failed_items_by_reason(api: JobApi, batchctl: Batchctl) -> None:
    api.looks, api.items = [FAILED], 5
    api.failed = {0: NO_MEMORY, 2: {"error": "no", "reason": "TIMEOUT"}, 4: NO_MEMORY}
    assert "failed:   2 OUT_OF_MEMORY, 1 TIMEOUT\n" in batchctl("show", "demo-1").stdout
    found = json.loads(batchctl("show", "demo-1", "--json").stdout)
    assert found["reasons"] == {"OUT_OF_MEMORY": 2, "TIMEOUT": 1}


@pytest.mark.usefixtures("deployed")
def test_a_result_wider_than_the_screen_is_folded(api: JobApi, batchctl: Batchctl) -> None:
    api.looks, api.failed = [FAILED], {0: {"error": "long " * 3000}}
    printed = batchctl("results", "demo-1").stdout
    assert printed.count("long") == 3000
    assert "00000001" in printed


@pytest.mark.usefixtures("deployed")
def test_watch_tells_each_change_the_speed_and_the_failures_and_how_it_ended(
    api: JobApi, batchctl: Batchctl
) -> None:
    first = RUNNING | {"tasks": counts(total=4, pending=4)}
    api.looks = [first, RUNNING, RUNNING, FAILED]
    api.failed = {1: NO_MEMORY}
    watched = batchctl("watch", "demo-1")
    assert watched.exit_code == 4
    assert watched.stdout == ""
    lines = watched.stderr.splitlines()
    assert lines[0] == "RUNNING: 0/4 tasks done, 0 running, 0 failed"
    assert lines[1].startswith("RUNNING: 1/4 tasks done, 2 running, 0 failed, ")
    assert lines[1].endswith(" left")
    assert lines[2:4] == [
        "FAILED: 4/4 tasks done, 0 running, 1 failed",
        "  failed 00000001: OUT_OF_MEMORY: the task needed more memory",
    ]
    assert "demo-1 ended as FAILED: 1 of 4 tasks failed" in lines[4]
    assert "batchctl why demo-1" in lines[5]


@pytest.mark.usefixtures("deployed")
def test_watch_draws_a_bar_on_a_terminal(
    api: JobApi, batchctl: Batchctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    api.looks = [RUNNING | {"reclaims": {"count": 3, "seconds": 1.0}}, RUNNING, FAILED]
    api.failed = {1: NO_MEMORY}
    watched = batchctl("watch", "demo-1")
    for drawn in ("1/4 tasks", "2 running", "0 s watched", "3 reclaims"):
        assert drawn in watched.stderr
    assert "  failed 00000001: OUT_OF_MEMORY: the task needed more memory" in watched.stderr
    assert "demo-1 ended as FAILED" in watched.stderr


@pytest.mark.usefixtures("deployed")
def test_watch_as_json_is_a_line_for_each_change(api: JobApi, batchctl: Batchctl) -> None:
    api.looks = [RUNNING, RUNNING, DONE]
    watched = batchctl("watch", "demo-1", "--json")
    assert watched.exit_code == 0
    assert [json.loads(line)["status"] for line in watched.stdout.splitlines()] == [
        "RUNNING",
        "SUCCEEDED",
    ]


def test_ctrl_c_ends_the_watching_and_says_that_the_job_goes_on(
    deployed: StateFile, api: JobApi
) -> None:
    api.looks = [RUNNING]
    # A shell that runs the tests in the background has SIGINT ignored, and children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    program = [sys.executable, "-c", "from batchctl.cli import main; main()", "watch", "demo-1"]
    with subprocess.Popen(program, stderr=subprocess.PIPE, text=True) as watching:
        assert watching.stderr is not None
        assert "1/4 tasks done" in watching.stderr.readline()
        watching.send_signal(signal.SIGINT)
        rest = watching.stderr.read()
    assert watching.returncode == 130
    assert "the job goes on: `batchctl watch demo-1`" in rest


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.4, "0 s"), (59, "59 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")],
)
def test_durations_are_told_for_people(seconds: float, told: str) -> None:
    assert duration(seconds) == told


# results


@pytest.mark.usefixtures("deployed")
def test_failed_results_alone_are_told_with_their_reasons(api: JobApi, batchctl: Batchctl) -> None:
    api.looks, api.items, api.failed = [FAILED], 4, {2: NO_MEMORY | {"exit_code": 137}}
    (found,) = json.loads(batchctl("results", "demo-1", "--failed", "--json").stdout)
    assert (found["item"], found["reason"], found["exit_code"]) == (
        "00000002",
        "OUT_OF_MEMORY",
        137,
    )
    table = batchctl("results", "demo-1", "--failed").stdout
    assert table.split()[:5] == ["item", "status", "reason", "exit_code", "error"]


@pytest.mark.usefixtures("deployed")
def test_a_table_of_many_results_has_one_heading_until_a_column_is_new(
    api: JobApi, batchctl: Batchctl
) -> None:
    api.items, api.failed = 3000, {2500: NO_MEMORY}
    lines = batchctl("results", "demo-1").stdout.splitlines()
    headings = [line.split() for line in lines if line.startswith("item")]
    assert headings == [
        ["item", "status", "x", "y", "attempts"],
        ["item", "status", "x", "y", "attempts", "reason", "error"],
    ]
    assert len([line for line in lines if line.startswith("0000")]) == 3000
    assert len({line.index("é") for line in lines[1:1000]}) == 1


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_many_results_take_no_more_memory_than_few(api: JobApi, form: str) -> None:
    def peak_mb(items: int) -> float:
        api.items, api.pages = items, 0
        arguments = ["results", "demo-1", "--format", form]
        tracemalloc.start()
        with contextlib.redirect_stdout(io.TextIOWrapper(io.BufferedWriter(Nothing()))):
            main(arguments, standalone_mode=False)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert api.pages == items / 1000
        return peak / 1e6

    peak_mb(1000)
    few, many = peak_mb(2000), peak_mb(8000)
    assert many < 1.3 * few + 0.5


class Nothing(io.RawIOBase):
    """Takes everything and keeps nothing."""

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        return len(content)


# what goes by the account: cancel, retry, logs, why, dead letters


@pytest.fixture
def tracker(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The function JobTracker: what it answers, and what it was asked."""
    script = SimpleNamespace(asked=[], answer={})
    make = BaseClient._make_api_call

    def answered(client: Any, operation: str, parameters: Any) -> Any:
        if operation != "Invoke":
            return make(client, operation, parameters)
        script.asked.append((parameters["FunctionName"], json.loads(parameters["Payload"])))
        return {"Payload": io.BytesIO(json.dumps(script.answer).encode())}

    monkeypatch.setattr(BaseClient, "_make_api_call", answered)
    return script


@pytest.fixture
def in_account(deployed: StateFile, account: None) -> StateFile:
    """The application with its table, queues and functions in an account, and one job."""
    record(deployed, "function", "tracker", id="batchapp-JobTracker", arn="arn")
    record(deployed, "table", "jobs", id="batchapp-jobs", arn="arn")
    record(deployed, "log_group", "compute", id="/batchctl/batchapp/compute", arn="arn")
    boto3.client("logs").create_log_group(logGroupName="/batchctl/batchapp/compute")
    sqs = boto3.client("sqs")
    for label in ("jobs", "dead_letters", "events_dead_letters"):
        url = sqs.create_queue(QueueName=f"batchapp-{label}")["QueueUrl"]
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:batchapp-{label}"
        record(deployed, "queue", label, id=f"batchapp-{label}", arn=arn, url=url)
    keys = (("job_id", "HASH"), ("item", "RANGE"))
    dynamodb = boto3.client("dynamodb")
    dynamodb.create_table(
        TableName="batchapp-jobs",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],  # type: ignore[typeddict-item]
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n, _ in keys],
    )
    return deployed


def put_job(status: str) -> None:
    item: Any = {
        "job_id": {"S": "demo-1"},
        "item": {"S": "JOB"},
        "status": {"S": status},
        "items_per_task": {"N": "1"},
    }
    boto3.client("dynamodb").put_item(TableName="batchapp-jobs", Item=item)


@pytest.mark.usefixtures("in_account")
def test_cancel_tells_what_had_become_of_the_tasks(
    batchctl: Batchctl, tracker: SimpleNamespace
) -> None:
    tasks = counts(total=3, succeeded=2, failed=1)
    tracker.answer = {"job_id": "demo-1", "status": "CANCELLED", "tasks": tasks}
    told = batchctl("cancel", "demo-1")
    assert told.exit_code == 0
    assert "demo-1 is CANCELLED: 2 of 3 tasks had succeeded, 1 failed" in told.stderr
    assert json.loads(batchctl("cancel", "demo-1", "--json").stdout) == tracker.answer
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
    told = batchctl("retry", "demo-1", "--memory", given, "--on-demand")
    assert "demo-1 is QUEUED: attempt 2 has 5 items in 1 tasks" in told.stderr
    ((_, asked),) = tracker.asked
    assert (asked["memory_mib"], asked["on_demand"]) == (mib, True)


@pytest.mark.usefixtures("in_account")
@pytest.mark.parametrize("memory", ["", "much", "3", "1.5GiB", "4TiB", "GiB", "٣٣٣"])
def test_what_is_no_memory_is_a_usage_error(
    batchctl: Batchctl, tracker: SimpleNamespace, memory: str
) -> None:
    refused = batchctl("retry", "demo-1", "--memory", memory)
    assert refused.exit_code == 2
    assert "is no memory" in refused.stderr
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
    told = batchctl("cancel", "demo-1")
    assert told.exit_code == 0, told.stderr
    assert "going by the state" in told.stderr


@pytest.mark.usefixtures("in_account")
def test_logs_of_a_job_that_hasnt_started_say_so(batchctl: Batchctl) -> None:
    put_job("QUEUED")
    told = batchctl("logs", "demo-1")
    assert told.exit_code == 0
    assert "no lines: demo-1 is QUEUED" in told.stderr
    assert told.stdout == ""


@pytest.mark.usefixtures("in_account")
def test_why_tells_errors_findings_and_fixes_and_json_has_the_same(
    batchctl: Batchctl, api: JobApi
) -> None:
    put_job("QUEUED")
    api.looks, api.failed = [FAILED], {0: NO_MEMORY}
    told = batchctl("why", "demo-1").stdout
    assert "demo-1 is FAILED" in told
    assert "1: OUT_OF_MEMORY: the task needed more memory\n" in told
    assert "fix:   wait a minute; then `batchctl dead-letters show`" in told
    found = json.loads(batchctl("why", "demo-1", "--json").stdout)
    assert found["errors"] == {"OUT_OF_MEMORY: the task needed more memory": 1}
    assert len(found["findings"]) == 1


@pytest.mark.usefixtures("in_account")
def test_dead_letters_are_shown_and_dropped_after_a_question(batchctl: Batchctl) -> None:
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName="batchapp-dead_letters")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody='{"job_id": "demo-1"}')
    shown = json.loads(batchctl("dead-letters", "show", "--queue", "jobs", "--json").stdout)
    assert [(each["queue"], each["subject"]) for each in shown] == [("jobs", "demo-1")]
    assert "demo-1" in batchctl("dead-letters").stdout
    refused = batchctl("dead-letters", "drop", "--queue", "jobs")
    assert refused.exit_code == 2
    assert "pass `--yes`" in refused.stderr
    dropped = batchctl("dead-letters", "drop", "--queue", "jobs", "--yes", "--json")
    assert json.loads(dropped.stdout) == {"jobs": 1}
