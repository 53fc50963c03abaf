"""What an organisation set by other hands is undone only when that is agreed to, or never."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from calls import Calls
from click.testing import Result

Batchctl = Callable[..., Result]
IMAGE = "compute: {image: 'registry.example/compute:1'}\n"
STATE = Path(".batchctl") / "batchapp.state.json"
API_LOG = "/aws/lambda/batchapp-JobAPI"
KEY = "alias/company"
POLICY = "arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess"
LEAVE = """
leave:
  role.receiver: [ManagedPolicies]
  load_balancer.api: [Attributes.deletion_protection.enabled]
  queue.jobs: [Attributes.SqsManagedSseEnabled]
  function.api: [Environment.Variables.AGENT_KEY]
  log_group.api: [retentionInDays]
"""


def set_by_others() -> None:
    """An organisation's automation, in each of five places."""
    boto3.client("iam").attach_role_policy(RoleName="batchapp-TaskReceiver-role", PolicyArn=POLICY)
    elbv2: Any = boto3.client("elbv2")
    (balancer,) = elbv2.describe_load_balancers(Names=["batchapp-api"])["LoadBalancers"]
    elbv2.modify_load_balancer_attributes(
        LoadBalancerArn=balancer["LoadBalancerArn"],
        Attributes=[{"Key": "deletion_protection.enabled", "Value": "true"}],
    )
    sqs = boto3.client("sqs")
    sqs.set_queue_attributes(
        QueueUrl=sqs.get_queue_url(QueueName="batchapp-jobs")["QueueUrl"],
        Attributes={"KmsMasterKeyId": KEY, "SqsManagedSseEnabled": "false"},
    )
    functions = boto3.client("lambda")
    had = functions.get_function_configuration(FunctionName="batchapp-JobAPI")["Environment"]
    functions.update_function_configuration(
        FunctionName="batchapp-JobAPI",
        Environment={"Variables": {**had["Variables"], "AGENT_KEY": "1"}},
    )


def retention() -> Any:
    found = boto3.client("logs").describe_log_groups(logGroupNamePrefix=API_LOG)
    return found["logGroups"][0].get("retentionInDays")


def keep_for(days: int) -> None:
    boto3.client("logs").put_retention_policy(logGroupName=API_LOG, retentionInDays=days)


@pytest.mark.usefixtures("account")
def test_what_others_set_is_marked_refused_with_yes_and_left_where_config_says_so(
    batchctl: Batchctl, calls: Calls, folder: Path
) -> None:
    assert batchctl("up", "--yes").exit_code == 0
    set_by_others()
    calls.made.clear()
    refused = batchctl("up", "--yes")
    assert refused.exit_code == 2
    loosened = [each for each in refused.stderr.splitlines() if each.startswith("LOOSENED: ")]
    for said in (POLICY, "protection from deletion", KEY, "`AGENT_KEY`"):
        assert any(said in each for each in loosened), (said, loosened)
    assert len(loosened) == 4
    assert calls.writes == []
    keep_for(365)
    (folder / "config.yaml").write_text(IMAGE + LEAVE)
    steps = json.loads(batchctl("plan", "--json").stdout)["steps"]
    assert [each["changes"] for each in steps if each["action"] != "no-op"] == []
    # Another change of the same resources leaves them as well.
    more = "queue: {max_receive_count: 9}\nfunctions: {memory_mib: 512}\n"
    (folder / "config.yaml").write_text(IMAGE + LEAVE + more)
    changed = batchctl("up", "--yes")
    assert changed.exit_code == 0, changed.stderr
    found = boto3.client("lambda").get_function_configuration(FunctionName="batchapp-JobAPI")
    assert found["MemorySize"] == 512
    assert found["Environment"]["Variables"]["AGENT_KEY"] == "1"
    assert retention() == 365
    (folder / "config.yaml").write_text(IMAGE)
    keep_for(7)
    assert batchctl("up", "--yes", "--loosen").exit_code == 0
    found = boto3.client("lambda").get_function_configuration(FunctionName="batchapp-JobAPI")
    assert "AGENT_KEY" not in found["Environment"]["Variables"]


@pytest.mark.usefixtures("account")
def test_a_retention_that_others_raised_is_data_and_one_that_config_lowers_is_not(
    batchctl: Batchctl, folder: Path
) -> None:
    assert batchctl("up", "--yes").exit_code == 0
    keep_for(365)
    refused = batchctl("up", "--yes", "--loosen")
    assert refused.exit_code == 2
    assert "log_group.api holds what others had kept up to 365" in refused.stderr
    assert retention() == 365
    # Who says so in config.yaml has decided it, in either direction.
    (folder / "config.yaml").write_text(f"functions: {{log_retention_days: 365}}\n{IMAGE}")
    assert batchctl("up", "--yes").exit_code == 0
    (folder / "config.yaml").write_text(f"functions: {{log_retention_days: 30}}\n{IMAGE}")
    lowered = batchctl("up", "--yes")
    assert lowered.exit_code == 0, lowered.stderr
    assert retention() == 30


def test_an_address_that_cannot_be_left_is_refused_with_what_was_meant(
    batchctl: Batchctl, folder: Path
) -> None:
    (folder / "config.yaml").write_text(f"leave: {{loggroup.api: [retentionInDays]}}\n{IMAGE}")
    refused = batchctl("plan")
    assert refused.exit_code == 2
    assert "no resource `loggroup.api`, did you mean `log_group.api`?" in refused.stderr


@pytest.mark.usefixtures("account")
def test_a_protected_stack_is_neither_deleted_nor_is_its_front_door_replaced(
    batchctl: Batchctl, calls: Calls, folder: Path
) -> None:
    (folder / "config.yaml").write_text(f"protect: true\n{IMAGE}")
    assert batchctl("up", "--yes").exit_code == 0
    (folder / "config.yaml").write_text(f"protect: false\n{IMAGE}")
    calls.made.clear()
    refused = batchctl("down", "--yes", "--delete-data")
    assert refused.exit_code == 2
    assert "could not delete `batchapp`: it is protected" in refused.stderr
    changed = batchctl("up", "--api-mode", "restapi", "--auth", "iam", "--yes", "--loosen")
    assert changed.exit_code == 2
    assert "`load_balancer.api`" in changed.stderr
    silent = batchctl("up", "--yes")
    assert silent.exit_code == 2
    assert "LOOSENED: the stack is no longer protected" in silent.stderr
    assert calls.writes == []
    STATE.unlink()
    lost = batchctl("down", "--yes", "--adopt")
    assert lost.exit_code == 2, lost.stderr
    assert "batchapp-jobs" in boto3.client("dynamodb").list_tables()["TableNames"]
    assert batchctl("up", "--yes", "--adopt", "--loosen").exit_code == 0
    assert batchctl("down", "--yes").exit_code == 0


@pytest.mark.usefixtures("account")
def test_logs_that_hold_events_stay_through_down_and_a_change_of_the_front_door(
    batchctl: Batchctl, folder: Path
) -> None:
    (folder / "config.yaml").write_text(f"api: {{mode: restapi, auth: iam}}\n{IMAGE}")
    assert batchctl("up", "--yes").exit_code == 0
    access, logs = "/batchctl/batchapp/access", boto3.client("logs")
    for group in (access, API_LOG):
        logs.create_log_stream(logGroupName=group, logStreamName="one")
        event: Any = {"timestamp": 1_795_000_000_000, "message": "GET"}
        logs.put_log_events(logGroupName=group, logStreamName="one", logEvents=[event])
    changed = batchctl("up", "--api-mode", "alb", "--auth", "none", "--yes", "--loosen")
    assert changed.exit_code == 0, changed.stderr
    (folder / "config.yaml").write_text(IMAGE)
    again = batchctl("up", "--yes")
    assert again.exit_code == 0, again.stderr
    gone = batchctl("down", "--yes")
    assert gone.exit_code == 0, gone.stderr
    assert f"kept log_group.api ({API_LOG}): it holds log events" in gone.stderr
    names = {each["logGroupName"] for each in logs.describe_log_groups()["logGroups"]}
    assert names == {access, API_LOG}
    assert batchctl("down", "--yes", "--delete-data").exit_code == 0
    assert logs.describe_log_groups()["logGroups"] == []


@pytest.mark.usefixtures("account")
def test_down_without_the_state_finds_everything_and_asks_whose_it_is(
    batchctl: Batchctl, calls: Calls
) -> None:
    assert batchctl("up", "--yes").exit_code == 0
    STATE.unlink()
    calls.made.clear()
    refused = batchctl("down", "--yes")
    assert refused.exit_code == 2, refused.stderr
    assert "could not delete `batchapp` with" in refused.stderr
    assert "`batchctl down --adopt`" in refused.stderr
    assert calls.writes == []
    gone = batchctl("down", "--yes", "--adopt")
    assert gone.exit_code == 0, gone.stderr
    assert boto3.client("elbv2").describe_load_balancers()["LoadBalancers"] == []
    assert boto3.client("lambda").list_functions()["Functions"] == []
    assert "nothing to delete" in batchctl("down", "--yes").stderr
