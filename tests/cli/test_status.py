"""`status` asks the endpoint, says what is unhealthy, and fails then; drift alone is no failure."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
import urllib3
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from click.testing import Result

from batchctl.jobs.api.connection import Connection

Batchctl = Callable[..., Result]


@pytest.fixture
def built(account: None, batchctl: Batchctl) -> None:
    assert batchctl("up", "--yes").exit_code == 0


def answering(monkeypatch: pytest.MonkeyPatch, status: int, body: bytes) -> list[str]:
    """Let the endpoint answer so; return what it is asked."""
    asked: list[str] = []

    def exchange(_: Connection, method: str, target: str, *_more: Any) -> Any:
        asked.append(f"{method} {target}")
        return urllib3.HTTPResponse(body, status=status)

    monkeypatch.setattr(Connection, "exchange", exchange)
    return asked


@pytest.mark.usefixtures("built")
def test_a_healthy_application_is_asked_for_a_job_and_status_succeeds(
    batchctl: Batchctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answering(monkeypatch, 200, b'{"jobs": []}')
    status = batchctl("status", "--json")
    assert status.exit_code == 0
    assert json.loads(status.stdout)["unhealthy"] == []
    assert asked == ["GET /v1/tasks?limit=1"]


@pytest.mark.usefixtures("built")
def test_an_endpoint_that_answers_502_is_unhealthy_and_status_fails(
    batchctl: Batchctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, 502, b"<html>Bad Gateway</html>")
    status = batchctl("status")
    assert status.exit_code == 1
    assert "UNHEALTHY: the endpoint answers 502: <html>Bad Gateway</html>" in status.stdout


@pytest.mark.usefixtures("built")
def test_no_answer_is_unhealthy_only_where_everyone_is_let_in(
    batchctl: Batchctl, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    def exchange(*_: Any) -> Any:
        raise urllib3.exceptions.ProtocolError("Connection aborted.")

    monkeypatch.setattr(Connection, "exchange", exchange)
    open_to_all = batchctl("status")
    assert open_to_all.exit_code == 1
    assert "doesn't answer" in open_to_all.stdout
    text = (folder / "config.yaml").read_text()
    (folder / "config.yaml").write_text(f"{text}api: {{allowed_cidrs: [10.0.0.0/8]}}\n")
    assert batchctl("status").exit_code == 0


@pytest.mark.usefixtures("built")
def test_what_is_disabled_switched_off_or_missing_is_unhealthy_and_named(
    batchctl: Batchctl,
) -> None:
    awslambda, batch = boto3.client("lambda"), boto3.client("batch")
    (mapping,) = awslambda.list_event_source_mappings()["EventSourceMappings"]
    awslambda.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    awslambda.put_function_concurrency(
        FunctionName="batchapp-TaskReceiver", ReservedConcurrentExecutions=0
    )
    batch.update_job_queue(jobQueue="batchapp-on-demand", state="DISABLED")
    boto3.client("logs").delete_log_group(logGroupName="/aws/lambda/batchapp-JobAPI")
    status = batchctl("status", "--json")
    assert status.exit_code == 1
    unhealthy = "\n".join(json.loads(status.stdout)["unhealthy"])
    for named in (
        "event_source_mapping.splitter doesn't run as it should: `State`",
        "function.receiver doesn't run as it should: `ReservedConcurrentExecutions`",
        "job_queue.on_demand doesn't run as it should: `state`",
        "log_group.api is missing",
    ):
        assert named in unhealthy


@pytest.mark.usefixtures("built")
def test_drift_alone_is_no_failure(batchctl: Batchctl) -> None:
    boto3.client("logs").put_retention_policy(
        logGroupName="/aws/lambda/batchapp-JobAPI", retentionInDays=30
    )
    status = batchctl("status")
    assert status.exit_code == 0
    first, drifted, *rest = status.stdout.splitlines()
    assert first == "batchapp in 123456789012, us-east-1: healthy, 1 drifted"
    assert drifted.startswith("  log_group.api (/aws/lambda/batchapp-JobAPI) is drifted: reten")
    assert any(line.endswith("(11 ok, 1 drifted)") for line in rest)


@pytest.mark.usefixtures("built")
def test_a_healthy_application_is_a_line_a_group_and_in_full_a_line_a_resource(
    batchctl: Batchctl,
) -> None:
    short, full = (batchctl("status", *more).stdout.splitlines() for more in ((), ("-v",)))
    assert short[0].endswith(": healthy")
    assert len(short) < 15
    assert set(short) < set(full)
    assert "      queue.jobs  batchapp-jobs  ok" in full


@pytest.mark.usefixtures("account")
def test_before_up_nothing_is_unhealthy(batchctl: Batchctl) -> None:
    status = batchctl("status")
    assert status.exit_code == 0
    assert "not deployed yet, `batchctl up` builds it" in status.stdout


@pytest.mark.usefixtures("account")
def test_a_refused_read_hides_only_itself(
    batchctl: Batchctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert batchctl("up", "--yes").exit_code == 0
    make = vars(BaseClient)["_make_api_call"]

    def refusing(client: Any, operation: str, parameters: Any) -> Any:
        if operation in {"GetRole", "ListQueueTags"}:
            said = f"User: analyst is not authorized to perform: {operation}"
            error = {"Error": {"Code": "AccessDenied", "Message": said}}
            raise ClientError(error, operation)  # type: ignore[arg-type]
        return make(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", refusing)
    shown = batchctl("status", "--json")
    assert shown.exit_code == 0, shown.stderr
    states = {each["address"]: each["state"] for each in json.loads(shown.stdout)["resources"]}
    assert states["role.receiver"].startswith("unknown: User: analyst is not authorized")
    assert states["queue.jobs"].startswith("unknown")
    assert (
        states["load_balancer.api"] == states["function.receiver"] == states["table.jobs"] == "ok"
    )
    assert batchctl("status", "--exit-code").exit_code == 3
    monkeypatch.undo()


@pytest.mark.usefixtures("account")
def test_drift_is_an_exit_code_for_those_who_ask(batchctl: Batchctl) -> None:
    assert batchctl("up", "--yes").exit_code == 0
    assert batchctl("status", "--exit-code").exit_code == 0
    logs = boto3.client("logs")
    logs.put_retention_policy(logGroupName="/aws/lambda/batchapp-JobAPI", retentionInDays=1)
    assert batchctl("status", "--exit-code").exit_code == 3
    assert batchctl("status").exit_code == 0
