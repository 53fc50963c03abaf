from __future__ import annotations

from typing import Any

import pytest
from examples_logs import log_group
from faults import Killed, fail, kill
from verbs import changes, make, repair

from batchctl.aws.session import Aws
from batchctl.resource import Deployed, NotOwned


@pytest.fixture
def deployed(aws: Aws) -> Deployed:
    return Deployed(aws)


@pytest.fixture
def logs(aws: Aws) -> Any:
    """CloudWatch Logs without us in between."""
    return aws.connection.client("logs")


def test_a_group_has_retention_and_tags(deployed: Deployed, logs: Any) -> None:
    outputs = make(log_group, deployed)
    group = logs.describe_log_groups(logGroupNamePrefix=log_group.name)["logGroups"][0]
    tags = logs.list_tags_for_resource(resourceArn=outputs.arn)["tags"]
    assert group["retentionInDays"] == 7
    assert tags == {
        "batchctl:stack": "batchapp",
        "batchctl:region": "us-east-1",
        "team": "quant",
    }


def test_the_arn_is_the_one_without_the_star(deployed: Deployed, logs: Any) -> None:
    outputs = make(log_group, deployed)
    group = logs.describe_log_groups(logGroupNamePrefix=log_group.name)["logGroups"][0]
    assert outputs.arn == group["logGroupArn"] == group["arn"].removesuffix(":*")


def test_a_group_whose_name_only_begins_alike_is_not_taken_for_ours(
    aws: Aws, logs: Any, deployed: Deployed
) -> None:
    logs.create_log_group(logGroupName=f"{log_group.name}-old")
    assert log_group.read(aws, None, log_group.desired(deployed)) is None


def test_a_group_that_was_cut_off_before_its_retention_is_finished(
    aws: Aws, logs: Any, deployed: Deployed
) -> None:
    kill(aws, "logs.PutRetentionPolicy")
    with pytest.raises(Killed):
        make(log_group, deployed)
    assert [change.old for change in changes(log_group, deployed)] == [None]
    repair(log_group, deployed)
    group = logs.describe_log_groups(logGroupNamePrefix=log_group.name)["logGroups"][0]
    assert group["retentionInDays"] == 7


def test_a_group_of_others_is_left_alone(aws: Aws, logs: Any, deployed: Deployed) -> None:
    logs.create_log_group(logGroupName=log_group.name)
    with pytest.raises(NotOwned, match=r"log group `/aws/lambda/batchapp-JobAPI` exists"):
        log_group.read(aws, None, log_group.desired(deployed))


def test_a_concurrent_change_is_waited_out(aws: Aws, logs: Any, deployed: Deployed) -> None:
    text = "A conflicting operation is currently in progress against this resource."
    fail(aws, "logs.DeleteLogGroup", "OperationAbortedException", text, times=2)
    outputs = make(log_group, deployed)
    log_group.delete(aws, outputs)
    assert logs.describe_log_groups()["logGroups"] == []
