"""From any front door to any other by one `up`: the new one works before the old one goes."""

from __future__ import annotations

import pytest
import witness
from built import Application
from changes import with_setting, with_settings
from shared import CONFIG
from slices import one_in

from batchctl.engine.plan import Action

SHARED_ROLE = "batchctl-api-gateway-logs"
DOORS = {
    "alb": CONFIG,
    "restapi": with_setting(CONFIG, ("api", "mode"), "restapi"),
    "restapi with iam": with_settings(CONFIG, {("api", "mode"): "restapi", ("api", "auth"): "iam"}),
}


def holdings(application: Application) -> dict[str, list[str]]:
    """All that boto3 finds, but not the region's role for API Gateway's logs, which stays."""
    found = witness.inventory(application.client)
    return {**found, "roles": [name for name in found["roles"] if name != SHARED_ROLE]}


def doors_open(application: Application) -> set[str]:
    """The doors that lead to the functions now: the listeners and the stages that boto3 finds."""
    found = witness.inventory(application.client)
    listening = any(each.startswith("Port") for each in found["load balancing"])
    return {*(["alb"] if listening else []), *found["stages"]}


@pytest.mark.parametrize(
    ("old", "new"), one_in(5, ((old, new) for old in DOORS for new in DOORS if old != new))
)
def test_a_front_door_changes_by_one_up_and_the_new_one_works_before_the_old_one_goes(
    account_in_memory: Application, old: str, new: str
) -> None:
    changed = account_in_memory.with_config(DOORS[new])
    changed.up()
    as_new = holdings(changed)
    application = account_in_memory.with_config(DOORS[old])
    application.up()
    before = len(application.writes)
    planned = {step.address for step in changed.plan().changes}
    steps = changed.up()
    assert {step.address for step in steps} == planned
    assert changed.plan().changes == ()
    assert holdings(changed) == as_new
    deleted = [step.action is Action.DELETE for step in steps]
    assert deleted == sorted(deleted), "what is new comes first, what is old goes last"
    assert len(doors_open(changed)) == 1
    _assert_never_closed(application.writes[before:], old, new)


def _assert_never_closed(writes: list[str], old: str, new: str) -> None:
    """The call that opens the new door comes before the first that closes the old one."""
    opens = "elbv2.CreateRule" if new == "alb" else "apigateway.UpdateStage"
    closes = {"alb": "elbv2.DeleteRule"}.get(old, "apigateway.DeleteStage")
    if old.partition(" ")[0] == new.partition(" ")[0]:
        closes = "apigateway.DeleteDeployment"
    last_opening = len(writes) - writes[::-1].index(opens) - 1
    assert last_opening < writes.index(closes)
