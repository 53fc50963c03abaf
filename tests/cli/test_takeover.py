"""What somebody else deployed is known without a state, and taken over only when that is said."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from calls import Calls
from click.testing import Result

from batchctl.jobs.api.connection import Connection

Batchctl = Callable[..., Result]
IMAGE = "compute: {image: 'x:1'}\n"
STATE = Path(".batchctl") / "batchapp.state.json"


@pytest.fixture
def colleague(folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: Any) -> Any:
    """Go to a folder of a colleague's: the same config.yaml, and no state."""

    def go() -> Path:
        elsewhere = tmp_path_factory.mktemp("colleague")
        shutil.copy(folder / "config.yaml", elsewhere)
        monkeypatch.chdir(elsewhere)
        return elsewhere

    return go


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _self: True)


@pytest.mark.usefixtures("account")
def test_a_colleague_opens_no_other_door_than_the_one_that_is_there(
    batchctl: Batchctl, calls: Calls, colleague: Any
) -> None:
    made = batchctl("up", "--api-mode", "restapi", "--auth", "iam", "--yes")
    assert made.exit_code == 0, made.stderr
    colleague()
    for command in (("plan",), ("up", "--yes"), ("up", "--yes", "--adopt", "--loosen")):
        calls.made.clear()
        refused = batchctl(*command)
        assert refused.exit_code == 2, refused.stderr
        assert "`api.auth` in config.yaml is `none`, deployed is `iam`" in refused.stderr
        assert calls.writes == []
    assert boto3.client("elbv2").describe_load_balancers()["LoadBalancers"] == []


@pytest.mark.usefixtures("account")
def test_taking_over_says_whose_it_is_and_takes_more_than_yes(
    batchctl: Batchctl, calls: Calls, colleague: Any
) -> None:
    assert batchctl("up", "--yes").exit_code == 0
    origin = json.loads(STATE.read_text())["origin"]
    elsewhere = colleague()
    calls.made.clear()
    for command in (("up", "--yes"), ("up",)):
        refused = batchctl(*command)
        assert refused.exit_code == 2, refused.stderr
        assert "could not take over `batchapp` with" in refused.stderr
        assert origin.split(" ")[1] in refused.stderr
        assert "last built with batchctl 0." in refused.stderr
        assert "`batchctl up --adopt`" in refused.stderr
    planned = batchctl("plan", "--json")
    assert json.loads(planned.stdout)["takes_over"]["origin"] == origin
    assert calls.writes == []
    assert not (elsewhere / STATE).exists()
    taken = batchctl("up", "--yes", "--adopt")
    assert taken.exit_code == 0, taken.stderr
    assert calls.writes == []
    assert json.loads(STATE.read_text())["origin"] == origin
    assert batchctl("up", "--yes").exit_code == 0


@pytest.mark.usefixtures("account", "terminal")
def test_at_a_terminal_it_is_a_question_whose_answer_may_be_no(
    batchctl: Batchctl, colleague: Any
) -> None:
    assert batchctl("up", "--yes").exit_code == 0
    colleague()
    refused = batchctl("up", input="n\n")
    assert refused.exit_code == 1
    assert "take over `batchapp`" in refused.stderr
    assert not STATE.exists()
    assert batchctl("up", input="y\n").exit_code == 0
    assert STATE.exists()


@pytest.mark.usefixtures("account")
def test_two_teams_of_one_name_change_and_delete_nothing_of_each_other(
    batchctl: Batchctl, calls: Calls
) -> None:
    assert batchctl("up", "--yes").exit_code == 0
    state = json.loads(STATE.read_text())
    STATE.write_text(json.dumps({**state, "origin": "0badc0de 2026-01-01T00:00:00Z user/other"}))
    calls.made.clear()
    refused = batchctl("up", "--yes")
    assert refused.exit_code == 1
    assert "belongs to another stack of the name `batchapp` (made by " in refused.stderr
    gone = batchctl("down", "--yes")
    assert gone.exit_code == 0, gone.stderr
    assert "batchctl:origin=" in gone.stderr
    assert calls.writes == []


@pytest.mark.usefixtures("account")
def test_what_an_older_version_made_gets_its_origin_in_place_and_is_taken_over_all_the_same(
    batchctl: Batchctl, calls: Calls, colleague: Any
) -> None:
    with pytest.MonkeyPatch.context() as older:
        older.setattr(
            "batchctl.aws.session.mark_of",
            lambda stack, region, _: {"batchctl:stack": stack, "batchctl:region": region},
        )
        older.setattr("batchctl.resources.awslambda.application.Application.tags", {})
        assert batchctl("up", "--yes").exit_code == 0
    colleague()
    refused = batchctl("up", "--yes")
    assert "made by somebody, at an unknown time" in refused.stderr
    taken = batchctl("up", "--yes", "--adopt")
    assert taken.exit_code == 0, taken.stderr
    again = json.loads(batchctl("plan", "--json").stdout)["steps"]
    # moto shows a launch template's first tags for ever.
    assert {each["address"] for each in again if each["action"] != "no-op"} <= {
        "launch_template.compute"
    }
    tags = boto3.client("sqs").list_queue_tags(
        QueueUrl=boto3.client("sqs").get_queue_url(QueueName="batchapp-jobs")["QueueUrl"]
    )["Tags"]
    assert tags["batchctl:origin"] == json.loads(STATE.read_text())["origin"]


@pytest.mark.usefixtures("account")
def test_one_function_says_what_is_deployed(batchctl: Batchctl, folder: Path) -> None:
    (folder / "config.yaml").write_text(
        f"api: {{mode: restapi, auth: iam}}\nprotect: true\n{IMAGE}"
    )
    made = batchctl("up", "--yes")
    assert made.exit_code == 0, made.stderr
    tags = boto3.client("lambda").get_function(FunctionName="batchapp-JobTracker")["Tags"]
    assert (tags["batchctl:door"], tags["batchctl:protected"]) == ("restapi iam", "true")
    assert tags["batchctl:version"].startswith("0.")


@pytest.mark.usefixtures("account")
def test_job_commands_find_what_is_deployed_from_config_yaml_alone_and_write_nothing(
    batchctl: Batchctl, calls: Calls, colleague: Any, tracker: Any
) -> None:
    made = batchctl("up", "--yes")
    assert made.exit_code == 0, made.stderr
    elsewhere = colleague()
    calls.made.clear()
    counts = {"total": 1, "pending": 1, "running": 0, "succeeded": 0, "failed": 0}
    tracker.answer = {"job_id": "x", "status": "CANCELLED", "tasks": counts}
    (elsewhere / "config.yaml").write_text(f"api: {{port: 8443}}\n{IMAGE}")
    for command in (("jobs",), ("dead-letters",), ("cancel", "x"), ("curl", "/v1/tasks")):
        done = batchctl(*command)
        assert "batchctl up" not in done.stderr, (command, done.stderr)
        assert done.exit_code == 0, (command, done.stderr)
    assert [name for name, _ in tracker.asked] == ["batchapp-JobTracker"]
    assert set(calls.writes) <= {"lambda.Invoke", "sqs.ReceiveMessage"}
    assert not (elsewhere / ".batchctl").exists()


@pytest.mark.usefixtures("account")
def test_the_deployed_port_and_scheme_are_called_whatever_config_yaml_says(
    batchctl: Batchctl, folder: Path, monkeypatch: pytest.MonkeyPatch, colleague: Any
) -> None:
    assert batchctl("up", "--yes").exit_code == 0
    called: list[str] = []
    answer = Connection.exchange

    def noted(connection: Connection, *more: Any) -> Any:
        called.append(connection.endpoint)
        return answer(connection, *more)

    monkeypatch.setattr(Connection, "exchange", noted)
    arn = "arn:aws:acm:us-east-1:123456789012:certificate/abc"
    changed = f"api: {{port: 8443, certificate_arn: '{arn}'}}\n{IMAGE}"
    (folder / "config.yaml").write_text(changed)
    assert batchctl("jobs").exit_code == 0
    (folder / "config.yaml").unlink()
    assert batchctl("jobs").exit_code == 0
    (folder / "config.yaml").write_text(changed)
    colleague()
    assert batchctl("jobs").exit_code == 0
    assert {each.rpartition(":")[2] for each in called} == {"9999"}
    assert all(each.startswith("http://") for each in called)
