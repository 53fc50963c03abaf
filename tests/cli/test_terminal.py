"""What strangers wrote, in every command that shows it: nothing of it reaches the terminal raw.

On an open endpoint anybody chooses items, results, errors and log lines.
"""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import api_server
import boto3
import pytest
from api_server import ApiServer
from click.testing import CliRunner, Result
from hostile_text import HOSTILE, JOB, Terminal, is_clean
from job_api import FAILED, counts

from batchctl.application.logs import JobLogs
from batchctl.cli import main, output
from batchctl.cli.failures import print_error
from batchctl.contract import statuses
from batchctl.contract.job_record import JobRecord, new_item
from batchctl.errors import BatchctlError
from batchctl.jobs.diagnosis.evidence import Condition
from batchctl.jobs.diagnosis.findings import Finding
from batchctl.jobs.logs.reader import Line

Batchctl = Callable[..., Result]

RESULTS = {
    HOSTILE: {"status": "SUCCEEDED", "result": {HOSTILE: HOSTILE, "y": [HOSTILE]}, "attempts": 1},
    "B": {"status": "FAILED", "error": HOSTILE, "reason": HOSTILE},
}


@pytest.fixture
def hostile(folder: Path) -> Iterator[ApiServer]:
    """An API whose every answer is hostile: a job, its results, and a list of jobs."""
    with api_server.serving() as api:
        api_server.deployed(folder, api, "none")
        api.body = json.dumps({**JOB, "results": RESULTS, "jobs": [JOB], "error": HOSTILE}).encode()
        yield api


READING = [
    ["show", "demo-1"],
    ["jobs"],
    ["results", "demo-1"],
    ["results", "demo-1", "--failed"],
    ["results", "demo-1", "--format", "json"],
    ["show", "demo-1", "--json"],
    ["jobs", "--json"],
    ["watch", "demo-1"],
    ["watch", "demo-1", "--json"],
]


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_commands_that_read_jobs_show_nothing_raw(
    hostile: ApiServer, batchctl: Batchctl, command: list[str]
) -> None:
    if command[0] == "watch":
        hostile.body = hostile.body.replace(
            b'"status": "FAILED\\u001b', b'"status": "FAILED", "x":"'
        )
    done = batchctl(*command)
    assert "\\x1b]52;c;" in done.output or "\\u001b]52;c;" in done.output
    assert is_clean(done.stdout)
    assert is_clean(done.stderr)


@pytest.mark.parametrize("status", [400, 403, 404, 409, 413, 418, 500])
@pytest.mark.parametrize(
    "command",
    [["submit", "--job-id", "demo-1", "--universe", "A"], ["show", "demo-1"]],
    ids=lambda command: command[0],
)
def test_refusals_show_nothing_raw(
    hostile: ApiServer,
    batchctl: Batchctl,
    status: int,
    command: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("batchctl.jobs.api.connection._limit_s", lambda *_: 0.0)
    hostile.status = status
    refused = batchctl(*command)
    assert refused.exit_code in {1, 2}
    assert refused.stderr.startswith("error: ")
    assert is_clean(refused.output)


ORDERS = ["::set-output name=x::y", "  ::add-mask::a", "##[add-path]/evil", "a ##vso[task.x]y"]
OBEYED = re.compile(r"^\s*::|##(vso|teamcity)?\[", re.MULTILINE | re.IGNORECASE)


@pytest.mark.parametrize("service", ["GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION"])
@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_no_build_obeys_what_others_wrote(
    hostile: ApiServer,
    batchctl: Batchctl,
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
    service: str,
) -> None:
    orders = {
        order: {"status": "FAILED", "error": order, "result": {order: order}, "attempts": 1}
        for order in ORDERS
    }
    job = {**JOB, "job_id": ORDERS[0], "status": "FAILED", "results": orders, "jobs": [JOB]}
    hostile.body = json.dumps(job).encode()
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    plain = batchctl(*command)
    monkeypatch.setenv(service, "True")
    shown = batchctl(*command)
    assert not OBEYED.search(shown.output)
    if "--json" in command or "json" in command:
        assert json.loads(shown.stdout) == json.loads(plain.stdout)


def test_a_build_obeys_no_log_line_no_error_and_no_cell(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    for order in ORDERS:
        for write in (output.say, output.say_lines, output.show, output.show_lines):
            write(order)
        output.say_log(f"1.1 {order}")
        output.show_rows([order])
        output.data().print(output.text(order))
        print_error(BatchctlError(order, hint=order))
    done = capsys.readouterr()
    assert not OBEYED.search(done.out + done.err)
    assert done.out.count("\\x3a:set-output name=x::y") == 4


def test_json_says_the_same_as_the_api(hostile: ApiServer, batchctl: Batchctl) -> None:
    found = json.loads(batchctl("results", "demo-1", "--format", "json").stdout)
    assert [each["item"] for each in found] == [HOSTILE, "B"]
    assert found[0]["result"] == {HOSTILE: HOSTILE, "y": [HOSTILE]}
    assert found[1]["error"] == HOSTILE


def test_csv_in_a_pipe_is_the_data_as_they_stand(hostile: ApiServer, batchctl: Batchctl) -> None:
    done = batchctl("results", "demo-1", "--format", "csv")
    first, second = csv.DictReader(io.StringIO(done.stdout_bytes.decode(), newline=""))
    assert (first["item"], first[HOSTILE], second["error"]) == (HOSTILE, HOSTILE, HOSTILE)


def test_a_wide_cell_on_a_narrow_terminal_is_folded_without_markup(
    hostile: ApiServer, batchctl: Batchctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "UNWRAPPED", 60)
    done = batchctl("results", "demo-1")
    assert is_clean(done.stdout)
    assert "[/x]" in done.stdout.replace("\n", "")


# What a terminal gets


def on_a_terminal(*arguments: str) -> str:
    """What a command writes to a terminal that is stdout as well as stderr."""
    ours, its = pty.openpty()
    program = [sys.executable, "-c", "from batchctl.cli import main; main()", *arguments]
    environment = {**os.environ, "TERM": "dumb", "COLUMNS": "80"}
    with subprocess.Popen(program, stdout=its, stderr=its, stdin=its, env=environment):
        os.close(its)
        written = b"".join(iter(lambda: _read(ours), b""))
    os.close(ours)
    return written.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux: the other side is closed
        return b""


@pytest.mark.parametrize(
    "command",
    [
        ["results", "demo-1"],
        ["results", "demo-1", "--format", "csv"],
        ["curl", "/v1/tasks", "-i"],
    ],
    ids=" ".join,
)
def test_a_terminal_gets_nothing_raw(hostile: ApiServer, command: list[str]) -> None:
    if command[0] == "curl":
        hostile.body = HOSTILE.encode() + b"\xff\x1b"
    written = on_a_terminal(*command)
    assert "]52;c;" in written
    assert is_clean(written.replace("error: forged", "", 1) if command[0] == "curl" else written)


def test_curl_gives_a_pipe_the_answer_as_it_is(hostile: ApiServer, batchctl: Batchctl) -> None:
    hostile.body = HOSTILE.encode() + b"\xff"
    assert batchctl("curl", "/v1/tasks").stdout_bytes == hostile.body


@pytest.mark.parametrize(
    ("no_color", "shown"), [("", "\x1b[31mred\\x07\x1b[0m\x1b[0m\n"), ("1", "red\\x07\n")]
)
def test_a_terminal_gets_the_colours_of_a_log_unless_the_user_wants_none(
    monkeypatch: pytest.MonkeyPatch, no_color: str, shown: str
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("NO_COLOR", no_color)
    output.say_log("\x1b[31mred\x07\x1b[0m")
    assert terminal.getvalue() == shown


# What goes by the account


@pytest.mark.usefixtures("in_account")
def test_logs_show_nothing_raw(batchctl: Batchctl, monkeypatch: pytest.MonkeyPatch) -> None:
    put_job("RUNNING")
    lines = [
        Line(1, 0, 1, 1_700_000_000_000, HOSTILE),
        Line(1, 0, 1, 1_700_000_000_000, "\x1b[1mb"),
    ]
    monkeypatch.setattr(JobLogs, "written", lambda *_: iter(lines))
    done = batchctl("logs", "demo-1")
    assert is_clean(done.output)
    assert [line[:4] for line in done.stdout.splitlines()] == ["0.1 ", "0.1 "]
    assert done.stdout.endswith(" b\n")
    first, _ = batchctl("logs", "demo-1", "--json").stdout.splitlines()
    assert json.loads(first)["text"] == HOSTILE
    assert is_clean(first)


def put_job(status: str) -> None:
    job = JobRecord("demo-1", statuses.Status(status), "2026-11-23T10:00:00.000000Z", 2, 1, "hash")
    boto3.client("dynamodb").put_item(TableName="batchapp-jobs", Item=new_item(job))


@pytest.mark.usefixtures("in_account")
def test_why_shows_nothing_raw(
    batchctl: Batchctl, api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_job("FAILED")
    api.looks, api.failed = [FAILED], {0: {"error": HOSTILE, "reason": HOSTILE}}
    condition = Condition("job queue", HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    monkeypatch.setattr("batchctl.jobs.diagnosis.evidence._queues", lambda *_: iter([condition]))
    finding = Finding(seen=HOSTILE, cause=HOSTILE, fix=HOSTILE)
    monkeypatch.setattr("batchctl.application.diagnosis.diagnose", lambda *_: (finding,))
    done = batchctl("why", "demo-1")
    assert done.exit_code == 0, done.output
    assert done.stdout.count("]52;c;") >= 5
    assert is_clean(done.output)
    assert is_clean(batchctl("why", "demo-1", "--json").stdout)


@pytest.mark.usefixtures("in_account")
def test_dead_letters_show_nothing_raw(batchctl: Batchctl) -> None:
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName="batchapp-dead_letters")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"job_id": HOSTILE}))
    sqs.send_message(QueueUrl=url, MessageBody="\u202e[/x]\u009b2J")
    done = batchctl("dead-letters")
    assert "[/x]" in done.stdout
    assert is_clean(done.output)


@pytest.mark.usefixtures("in_account")
@pytest.mark.parametrize("command", ["cancel", "retry"])
@pytest.mark.parametrize("refused", [False, True])
def test_cancel_and_retry_show_nothing_raw(
    batchctl: Batchctl, tracker: SimpleNamespace, command: str, refused: bool
) -> None:
    shown = {"status": HOSTILE, "attempt": 2, "items": 1, "tasks": counts(total=1)}
    tracker.answer = {"error": HOSTILE, "code": 409} if refused else {"job_id": HOSTILE, **shown}
    done = batchctl(command, "demo-1")
    assert "]52;c;" in done.output
    assert is_clean(done.output)


@pytest.mark.parametrize(
    "arguments",
    [
        [HOSTILE],
        [f"--{HOSTILE}"],
        ["jobs", f"--{HOSTILE}"],
        ["jobs", "--limit", HOSTILE],
        ["results", "x", "--format", HOSTILE],
        ["show", "x", HOSTILE],
        ["retry", "x", "--memory", HOSTILE],
        ["show", HOSTILE],
        ["--config", HOSTILE.replace("\x00", ""), "jobs"],
        ["curl", "/", "-H", HOSTILE],
        ["logs", "x", "--since", HOSTILE],
        ["submit", "--job-id", "x", "--universe", "a", "--param", HOSTILE],
        ["submit", "--job-id", "x", "--universe-file", HOSTILE],
    ],
    ids=lambda arguments: " ".join(arguments).replace(HOSTILE, "X")[:30],
)
def test_a_wrong_argument_is_quoted_without_effect(
    hostile: ApiServer, arguments: list[str]
) -> None:
    refused = CliRunner().invoke(main, arguments)
    assert refused.exit_code in {1, 2}
    assert is_clean(refused.output)
