"""`plan` in long form: each attribute with old and new value, what forces a replacement."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from click.testing import Result

from batchctl.application import Target, open_to_compare
from batchctl.cli.display.plan import LONGEST_VALUE, as_json, show_plan
from batchctl.engine.difference import Change
from batchctl.engine.graph import Group
from batchctl.engine.plan import Action, Plan, Step

Batchctl = Callable[..., Result]
ARN = "⟨known after up: queue.jobs.arn⟩"


def shown(capsys: pytest.CaptureFixture[str], step: Step) -> list[str]:
    """The lines of a plan with this step alone, without its group and the sum."""
    show_plan(Plan((step,)), verbose=True)
    return [line for line in capsys.readouterr().err.splitlines()[1:-1] if line]


def lines_of(capsys: pytest.CaptureFixture[str], plan: Plan) -> list[str]:
    """The lines of a plan in short, its front door said in words."""
    show_plan(plan, purposes={"front door": "load balancer on port 9999, open to everyone"})
    return capsys.readouterr().err.splitlines()


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (Change("Size", 1, 2), "Size: 1 -> 2"),
        (Change("Tags.team", "quant", None), 'Tags.team: "quant" -> removed'),
        (Change("Tags.team", None, "quant"), 'Tags.team: not set -> "quant"'),
        (Change("Role", "old", ARN), 'Role: "old" -> known after up (queue.jobs.arn)'),
        (Change("Roles", ["old"], [ARN]), f'Roles: ["old"] -> ["{ARN}"]'),
    ],
)
def test_a_change_shows_old_and_new(
    capsys: pytest.CaptureFixture[str], change: Change, line: str
) -> None:
    step = Step(Action.UPDATE, "queue.jobs", "app-jobs", (change,))
    assert shown(capsys, step) == ["  ~ queue.jobs  app-jobs", f"      {line}"]


def test_the_attribute_that_forces_a_replacement_is_marked_and_no_other(
    capsys: pytest.CaptureFixture[str],
) -> None:
    changes = (Change("Port", 1, 2), Change("Protocol", "HTTP", "HTTPS"))
    step = Step(Action.REPLACE, "listener.api", "app-api", changes, forced_by=("Port",))
    assert shown(capsys, step) == [
        "-/+ listener.api  app-api",
        "      Port: 1 -> 2  (forces replacement)",
        '      Protocol: "HTTP" -> "HTTPS"',
    ]


def test_what_a_new_resource_does_not_set_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    changes = (Change("Timeout", None, 60), Change("ReservedConcurrentExecutions", None, None))
    step = Step(Action.CREATE, "function.api", "app-api", changes)
    assert shown(capsys, step) == ["  + function.api  app-api", "      Timeout: 60"]


def test_no_end_of_a_long_value_hides_what_changes_in_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    old, new = ([*range(LONGEST_VALUE), end] for end in ("old", "new"))
    lines = shown(capsys, Step(Action.UPDATE, "a.b", "b", (Change("List", old, new),)))
    assert lines[1].endswith('"new"]')
    made = shown(capsys, Step(Action.CREATE, "a.b", "b", (Change("List", None, new),)))
    assert made[1].endswith("…")


@pytest.mark.parametrize(
    ("step", "line"),
    [
        (Step(Action.DELETE, "a.b", "b"), "  - a.b  b"),
        (
            Step(Action.DELETE, "a.b", "b", loses_data="3 jobs"),
            "  - a.b  b  (DATA IS LOST: 3 jobs)",
        ),
        (Step(Action.DELETE, "a.b", "b", ends="2 jobs"), "  - a.b  b  (ENDS: 2 jobs)"),
        (Step(Action.KEEP, "a.b", "b", kept_because="shared"), "  = a.b  b  (kept: shared)"),
    ],
)
def test_what_goes_and_what_stays_has_a_sign_and_a_reason(
    capsys: pytest.CaptureFixture[str], step: Step, line: str
) -> None:
    assert shown(capsys, step)[0] == line


def test_a_note_stands_under_the_resource_that_it_is_about(
    capsys: pytest.CaptureFixture[str],
) -> None:
    step = Step(Action.NO_OP, "network.network", "default VPC", notes=("public",))
    assert lines_of(capsys, Plan((step,)))[:2] == [
        "    network.network  default VPC",
        "    note: public",
    ]


def test_as_data_an_unknown_value_is_null_and_says_what_it_comes_from() -> None:
    changes = (Change("Role", "old", ARN), Change("Roles", None, [ARN]), Change("Size", 1, 2))
    (step,) = as_json(Plan((Step(Action.UPDATE, "a.b", "b", changes),)))["steps"]
    assert step["changes"] == [
        {"path": "Role", "old": "old", "new": None, "known": False, "comes_from": "queue.jobs.arn"},
        {"path": "Roles", "old": None, "new": None, "known": False, "comes_from": None},
        {"path": "Size", "old": 1, "new": 2, "known": True, "comes_from": None},
    ]


DOOR = {f"{kind}.api": Group.FRONT_DOOR for kind in ("listener", "load_balancer", "role")}
MADE = tuple(Step(Action.CREATE, address, "app-api") for address in DOOR)


def test_a_group_that_is_made_is_one_line_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert lines_of(capsys, Plan(MADE, groups=DOOR)) == [
        "  + front door: load balancer on port 9999, open to everyone (3 to create)",
        "",
        "3 to create; `-v` shows each resource",
    ]


def test_what_is_missing_of_a_group_that_is_there_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    there = tuple(replace(step, action=Action.NO_OP) for step in MADE[1:])
    lines = lines_of(capsys, Plan((MADE[0], *there), groups=DOOR))
    assert lines == ["  + listener.api  app-api", "", "1 to create"]


@pytest.mark.parametrize(
    ("attention", "line"),
    [
        ({"action": Action.UPDATE}, "  ~ role.api  app-api"),
        ({"action": Action.DELETE}, "  - role.api  app-api"),
        (
            {"action": Action.KEEP, "kept_because": "shared"},
            "  = role.api  app-api  (kept: shared)",
        ),
        ({"loosens": ("all",)}, "  + role.api  app-api"),
    ],
)
def test_what_needs_attention_comes_first_and_alone(
    capsys: pytest.CaptureFixture[str], attention: dict[str, Any], line: str
) -> None:
    steps = (*MADE[:2], replace(MADE[2], **attention))
    assert lines_of(capsys, Plan(steps, groups=DOOR))[0] == line


def test_what_is_deleted_with_data_or_work_is_never_summed_up(
    capsys: pytest.CaptureFixture[str],
) -> None:
    going = [replace(step, action=Action.DELETE) for step in MADE]
    for lost in (replace(going[2], loses_data="3 jobs"), replace(going[2], ends="3 jobs")):
        lines = lines_of(capsys, Plan((*going[:2], lost), groups=DOOR))
        assert lines[0].startswith("  - role.api  app-api  (")
        assert lines[1].endswith("(2 to delete)")


def test_in_full_each_resource_stands_under_its_group(capsys: pytest.CaptureFixture[str]) -> None:
    show_plan(Plan(MADE, groups=DOOR), verbose=True)
    assert capsys.readouterr().err.splitlines()[:2] == ["front door", "  + listener.api  app-api"]


@pytest.mark.usefixtures("account")
def test_a_first_plan_fits_on_a_screen_and_says_what_is_built(batchctl: Batchctl) -> None:
    planned = batchctl("plan")
    lines = [line for each in planned.output.splitlines() for line in textwrap.wrap(each, 80)]
    assert len(lines) < 24
    assert "  + front door: load balancer on port 9999, open to everyone (11 to create)" in lines
    groups = {each["group"] for each in json.loads(batchctl("plan", "--json").stdout)["steps"]}
    assert groups == {each.value for each in Group} - {Group.OTHER}


@pytest.mark.usefixtures("account")
def test_a_full_first_plan_shows_each_known_attribute_beside_one_that_is_not(
    batchctl: Batchctl,
) -> None:
    lines = batchctl("plan", "-v").stdout.splitlines()
    assert "      computeResources.maxvCpus: 128" in lines
    assert (
        "      computeResources.instanceRole: known after up (instance_profile.instance.arn)"
    ) in lines


@pytest.mark.usefixtures("account")
def test_a_plan_shows_settings_drift_and_what_follows_of_them(
    batchctl: Batchctl, folder: Path
) -> None:
    batchctl("up", "--yes")
    with (folder / "config.yaml").open("a") as config:
        config.write("api: {port: 9998}\n")
    sqs: Any = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName="batchapp-jobs")["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "1"})
    planned = batchctl("plan", "--exit-code")
    assert planned.exit_code == 3
    lines = planned.stdout.splitlines()
    assert "      Port: 9999 -> 9998  (forces replacement)" in lines
    assert '      Attributes.VisibilityTimeout: "1" -> "360"' in lines
    assert any(
        line.endswith("-> known after up (listener.api.arn)  (forces replacement)")
        for line in lines
    )
    assert lines[-1] == "2 to update, 3 to replace"
    assert "WARNING: anyone on the internet can submit jobs" in planned.output
    assert json.loads(batchctl("plan", "--json").stdout)["changes"] == 5


def test_the_stack_is_built_once_however_often_it_is_asked_for(folder: Path) -> None:
    application = open_to_compare(Target(config=folder / "config.yaml"))
    assert application.stack is application.stack


@pytest.mark.parametrize("command", ["plan", "status", "up"])
def test_what_is_wrong_with_the_stack_is_said_before_a_local_cloud_is_started(
    folder: Path, batchctl: Batchctl, command: str
) -> None:
    settings = "compute: {build: missing}\nlocal: {executor: container}\n"
    (folder / "config.yaml").write_text(settings)
    answered = batchctl("--local", command)
    assert answered.exit_code == 2
    assert answered.stderr.startswith("error: could not find what the image is built from")


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Click's test input says that it is a terminal."""
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _self: True)


@pytest.fixture
def table_of_another_shape(
    account: None, batchctl: Batchctl, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """The application with two jobs in a table whose keys are not those that are wanted."""
    assert batchctl("up", "--yes").exit_code == 0
    table = boto3.resource("dynamodb").Table("batchapp-jobs")
    for job_id in ("a", "b"):
        job = {"job_id": job_id, "item": "JOB", "listing": "JOB", "created_at": "2026-01-01"}
        table.put_item(Item=job)
    make = vars(BaseClient)["_make_api_call"]

    def altered(client: Any, operation: str, parameters: Any) -> Any:
        answer = make(client, operation, parameters)
        if operation == "DescribeTable":
            answer["Table"]["KeySchema"] = [{"AttributeName": "id", "KeyType": "HASH"}]
        return answer

    monkeypatch.setattr(BaseClient, "_make_api_call", altered)
    yield
    assert boto3.client("dynamodb").list_tables()["TableNames"] == ["batchapp-jobs"]


@pytest.mark.usefixtures("table_of_another_shape", "terminal")
def test_a_replacement_that_loses_data_is_marked_and_asked_for_by_name(batchctl: Batchctl) -> None:
    answered = batchctl("up", input="y\nn\n")
    assert answered.exit_code == 1
    assert "-/+ table.jobs  batchapp-jobs  (DATA IS LOST: 2 jobs)" in answered.stderr
    assert "table.jobs holds 2 jobs: lose it?" in answered.stderr
    assert "nothing was changed" in answered.stderr


@pytest.mark.usefixtures("table_of_another_shape")
def test_yes_is_no_answer_to_the_question_whether_to_lose_data(batchctl: Batchctl) -> None:
    refused = batchctl("up", "--yes")
    assert refused.exit_code == 2
    assert "table.jobs holds 2 jobs, which would be lost" in refused.stderr
    planned = json.loads(batchctl("plan", "--json").stdout)["steps"]
    assert {each["address"]: each["loses_data"] for each in planned}["table.jobs"] == "2 jobs"
