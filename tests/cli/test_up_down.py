"""`up`, `up`, `down` as a user runs them, on an account in memory, in every partition."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest
from calls import Calls
from click.testing import Result
from left_in_account import left_in
from slices import one_in

Batchctl = Callable[..., Result]
PARTITIONS = {"us-east-1": "aws", "cn-north-1": "aws-cn", "us-gov-west-1": "aws-us-gov"}
every_partition = pytest.mark.parametrize("region", list(PARTITIONS))
# Of these, one call is for all of a kind.
ASKED_ONCE = {
    "DescribeComputeEnvironments",
    "DescribeJobQueues",
    "DescribeRules",
    "DescribeSecurityGroups",
    "DescribeTags",
    "DescribeTargetGroups",
}


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("region", one_in(3, PARTITIONS))
def test_up_twice_changes_nothing_the_second_time_and_down_leaves_nothing(
    batchctl: Batchctl, calls: Calls, region: str
) -> None:
    first = batchctl("up", "--yes")
    assert first.exit_code == 0, first.stderr
    assert len(left_in(region)) == 14
    calls.made.clear()
    second = batchctl("up", "--yes")
    assert second.exit_code == 0
    assert "no changes" in second.stderr
    assert calls.writes == []
    assert len(calls.made) < 82
    assert {each for each in ASKED_ONCE if calls.count(each) == 1} == ASKED_ONCE
    down = batchctl("down", "--yes")
    assert down.exit_code == 0, down.stderr
    left = left_in(region)
    assert set(left) <= {"roles"}
    assert all(name.startswith("AWSServiceRoleFor") for name in left.get("roles", []))


@pytest.mark.usefixtures("account")
@every_partition
def test_nothing_of_another_partition_is_sent(
    batchctl: Batchctl, calls: Calls, region: str
) -> None:
    batchctl("up", "--yes")
    partition = PARTITIONS[region]
    assert f"arn:{partition}:" in calls.sent
    for other in set(PARTITIONS.values()) - {partition}:
        assert f"arn:{other}:" not in calls.sent
    expected = "ec2.amazonaws.com.cn" if partition == "aws-cn" else "ec2.amazonaws.com"
    assert f'"{expected}\\"' in calls.sent.replace("\\\\", "\\")
    assert ("TracingConfig" in calls.sent) == (partition != "aws-cn")


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Click's test input says that it is a terminal."""
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _self: True)


@pytest.mark.usefixtures("account", "terminal")
def test_up_shows_the_plan_and_asks_and_a_no_changes_nothing(
    batchctl: Batchctl, calls: Calls
) -> None:
    answered = batchctl("up", "-v", input="n\n")
    assert "+ queue.jobs  batchapp-jobs" in answered.stderr
    created = [line for line in answered.stderr.splitlines() if line.startswith("  + ")]
    assert f"{len(created)} to create" in answered.stderr
    assert "apply these changes?" in answered.stderr
    assert "nothing was changed" in answered.stderr
    assert answered.exit_code == 1
    assert calls.writes == []


@pytest.mark.usefixtures("account", "terminal")
def test_up_goes_ahead_after_a_yes_and_ends_with_the_endpoint(batchctl: Batchctl) -> None:
    answered = batchctl("up", input="y\ny\n")
    assert answered.exit_code == 0
    assert "endpoint: http://batchapp-api" in answered.stderr
    assert "batchctl submit --universe" in answered.stderr


@pytest.mark.usefixtures("account")
def test_plan_says_what_up_does_and_changes_nothing(batchctl: Batchctl, calls: Calls) -> None:
    before = batchctl("plan", "--json", "--exit-code")
    assert before.exit_code == 3
    planned = {s["address"]: s["action"] for s in json.loads(before.stdout)["steps"]}
    assert planned["queue.jobs"] == "create"
    assert calls.writes == []
    batchctl("up", "--yes")
    after = batchctl("plan", "--exit-code")
    assert after.exit_code == 0
    assert after.stdout.endswith("\nno changes\n")


@pytest.mark.usefixtures("account")
def test_everything_that_can_be_tagged_carries_the_stack_and_the_users_tags(
    batchctl: Batchctl, folder: Path, region: str
) -> None:
    (folder / "config.yaml").write_text("tags: {team: quant}\ncompute: {image: 'x:1'}\n")
    batchctl("up", "--yes")
    queue = boto3.client("sqs", region_name=region)
    url = queue.get_queue_url(QueueName="batchapp-jobs")["QueueUrl"]
    tags = queue.list_queue_tags(QueueUrl=url)["Tags"]
    assert re.fullmatch(r"[0-9a-f]{8} 20[^ ]+Z user/moto", tags.pop("batchctl:origin"))
    assert tags == {
        "team": "quant",
        "batchctl:stack": "batchapp",
        "batchctl:region": region,
    }
    roles = boto3.client("iam").list_role_tags(RoleName="batchapp-job")["Tags"]
    assert {"Key": "team", "Value": "quant"} in roles


@pytest.mark.usefixtures("account")
def test_a_table_with_jobs_survives_down_and_is_taken_back_and_goes_with_delete_data(
    batchctl: Batchctl, region: str
) -> None:
    batchctl("up", "--yes")
    table = boto3.resource("dynamodb", region_name=region).Table("batchapp-jobs")
    table.put_item(
        Item={"job_id": "a", "item": "JOB", "listing": "JOB", "created_at": "2026-01-01"}
    )
    down = batchctl("down", "--yes")
    assert down.exit_code == 0, down.stderr
    assert "kept table.jobs" in down.stderr
    assert set(left_in(region)) == {"tables", "roles"} or set(left_in(region)) == {"tables"}
    again = batchctl("up", "--yes")
    assert again.exit_code == 0, again.stderr
    assert table.get_item(Key={"job_id": "a", "item": "JOB"})["Item"]["created_at"] == "2026-01-01"
    assert batchctl("down", "--yes", "--delete-data").exit_code == 0
    assert "tables" not in left_in(region)


@pytest.mark.usefixtures("account")
def test_status_shows_resources_endpoint_queues_and_drift(batchctl: Batchctl, region: str) -> None:
    batchctl("up", "--yes")
    found = json.loads(batchctl("status", "--json").stdout)
    assert found["endpoint"].endswith(":9999")
    assert {each["state"] for each in found["resources"]} == {"ok"}
    assert found["queues"] == {
        "queue.jobs": 0,
        "queue.dead_letters": 0,
        "queue.events_dead_letters": 0,
    }
    sqs = boto3.client("sqs", region_name=region)
    url = sqs.get_queue_url(QueueName="batchapp-jobs")["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "1"})
    drifted = json.loads(batchctl("status", "--json").stdout)["resources"]
    state = {each["address"]: each["state"] for each in drifted}["queue.jobs"]
    assert state == "drifted: Attributes.VisibilityTimeout"


@pytest.mark.usefixtures("account")
def test_the_front_door_never_changes_silently(batchctl: Batchctl, folder: Path) -> None:
    batchctl("up", "--yes")
    (folder / "config.yaml").write_text("api: {mode: restapi}\ncompute: {image: 'x:1'}\n")
    refused = batchctl("up", "--yes")
    assert refused.exit_code == 2
    assert "`api.mode` in config.yaml is `restapi`, deployed is `alb`" in refused.stderr
    assert "--api-mode alb" in refused.stderr


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("config", one_in(2, [None, "nonsense: ["]))
def test_down_works_from_the_state_alone_when_config_is_gone_or_broken(
    batchctl: Batchctl, folder: Path, region: str, config: str | None
) -> None:
    batchctl("up", "--yes")
    if config is None:
        (folder / "config.yaml").unlink()
    else:
        (folder / "config.yaml").write_text(config)
    down = batchctl("down", "--yes")
    assert down.exit_code == 0, down.stderr
    assert "using the state file" in down.stderr
    assert set(left_in(region)) <= {"roles"}
