"""The plan that was reviewed is what `up` carries out, or nothing is."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from calls import Calls
from click.testing import Result

Batchctl = Callable[..., Result]
IMAGE = "compute: {image: 'x:1'}\n"
pytestmark = pytest.mark.usefixtures("account")


def ports() -> list[int]:
    elbv2: Any = boto3.client("elbv2")
    (balancer,) = elbv2.describe_load_balancers()["LoadBalancers"]
    arn = balancer["LoadBalancerArn"]
    return [each["Port"] for each in elbv2.describe_listeners(LoadBalancerArn=arn)["Listeners"]]


def tries() -> str:
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName="batchapp-jobs")["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])
    return found["Attributes"]["RedrivePolicy"]


def test_what_was_reviewed_is_carried_out_without_a_question(
    batchctl: Batchctl, folder: Path
) -> None:
    planned = batchctl("plan", "--out", "first.plan")
    assert planned.exit_code == 0, planned.stderr
    assert stat.S_IMODE((folder / "first.plan").stat().st_mode) == 0o600
    made = batchctl("up", "--plan", "first.plan")
    assert made.exit_code == 0, made.stderr
    (folder / "config.yaml").write_text(f"queue: {{max_receive_count: 9}}\n{IMAGE}")
    assert batchctl("plan", "--out", "second.plan").exit_code == 0
    assert batchctl("up", "--plan", "second.plan").exit_code == 0
    assert '"maxReceiveCount": 9' in tries()


def test_what_changed_since_the_review_is_named_and_nothing_is_done(
    batchctl: Batchctl, folder: Path, calls: Calls
) -> None:
    assert batchctl("up", "--yes").exit_code == 0
    reviewed = f"queue: {{max_receive_count: 9}}\n{IMAGE}"
    (folder / "config.yaml").write_text(reviewed)
    assert batchctl("plan", "--out", "reviewed.plan").exit_code == 0
    (folder / "config.yaml").write_text(f"api: {{port: 8443}}\n{reviewed}")
    calls.made.clear()
    refused = batchctl("up", "--plan", "reviewed.plan")
    assert refused.exit_code == 2
    assert "listener.api  batchapp-api: nothing -> replace" in refused.stderr
    (folder / "config.yaml").write_text(f"queue: {{max_receive_count: 8}}\n{IMAGE}")
    refused = batchctl("up", "--plan", "reviewed.plan")
    assert refused.exit_code == 2
    path = "Attributes.RedrivePolicy.maxReceiveCount"
    said = f"queue.jobs  batchapp-jobs: update -> update with another {path}"
    assert said in refused.stderr
    assert calls.writes == []
    assert ports() == [9999]
    (folder / "config.yaml").write_text(reviewed)
    assert batchctl("up", "--plan", "reviewed.plan").exit_code == 0
    # Once is enough: there is nothing of it left to do.
    assert batchctl("up", "--plan", "reviewed.plan").exit_code == 2


def test_what_loosens_takes_its_option_also_when_it_was_reviewed(
    batchctl: Batchctl, folder: Path
) -> None:
    (folder / "config.yaml").write_text(f"api: {{allowed_cidrs: [10.0.0.0/8]}}\n{IMAGE}")
    assert batchctl("up", "--yes").exit_code == 0
    (folder / "config.yaml").write_text(IMAGE)
    assert batchctl("plan", "--out", "open.plan").exit_code == 0
    assert "--loosen" in batchctl("up", "--plan", "open.plan").stderr
    assert batchctl("up", "--plan", "open.plan", "--loosen").exit_code == 0


def test_the_front_door_of_the_plan_needs_no_flags(batchctl: Batchctl) -> None:
    planned = batchctl("plan", "--api-mode", "restapi", "--auth", "iam", "--out", "door.plan")
    assert planned.exit_code == 0, planned.stderr
    assert batchctl("up", "--plan", "door.plan").exit_code == 0
    assert boto3.client("apigateway").get_rest_apis()["items"]


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": 1}', "\x00"])
def test_what_is_no_plan_is_refused(batchctl: Batchctl, folder: Path, text: str) -> None:
    (folder / "no.plan").write_text(text)
    refused = batchctl("up", "--plan", "no.plan")
    assert refused.exit_code == 2
    assert "`no.plan`: it is no plan" in refused.stderr
    assert "could not read `gone.plan`" in batchctl("up", "--plan", "gone.plan").stderr
