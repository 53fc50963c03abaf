"""`down` deletes what is ours alone: what others have under a recorded name stays, and is named."""

from __future__ import annotations

from typing import Any

import pytest
import witness
from built import Application
from changes import with_settings
from deletions import DELETIONS
from foreign import BELONGS_TO, TAKE, take_over, taken_addresses
from made_by_others import FOREIGN
from shared import CONFIG
from slices import one_in
from web_acls import FIRST

from batchctl.engine.destroy import destroy, plan_destroy
from batchctl.engine.kinds import kind_of
from batchctl.engine.ownership import FRESH_S, find_owned
from batchctl.engine.plan import Action, Plan
from batchctl.engine.steps import Step
from batchctl.resource import Resource

DOORS = {
    "alb": with_settings(CONFIG, {("api", "web_acl_arn"): FIRST}),
    "restapi": with_settings(
        CONFIG,
        {("api", "mode"): "restapi", ("api", "auth"): "iam", ("api", "web_acl_arn"): FIRST},
    ),
}


def planned_down(application: Application) -> Plan:
    plan = plan_destroy(application.state, application.aws, delete_data=True)
    assert not plan.outcome.failed, plan.outcome.failed
    return plan


@pytest.fixture(params=DOORS)
def built(account_in_memory: Application, request: pytest.FixtureRequest) -> Application:
    application = account_in_memory.with_config(DOORS[request.param])
    application.up()
    return application


def test_a_stack_that_is_all_somebody_elses_stays_as_it_is_is_named_and_forgotten(
    built: Application,
) -> None:
    for address in taken_addresses(built):
        take_over(built, address)
    before, writes = witness.seen(built.client), len(built.writes)
    recorded = {
        address
        for address, record in built.state.state.resources.items()
        if not kind_of(record).shared
    }
    plan = planned_down(built)
    kept = {step.address: step for step in plan.steps if step.forgets}
    assert set(kept) == recorded
    assert all(step.action is Action.KEEP for step in kept.values())
    assert all("batchctl:stack=theirs" in str(step.kept_because) for step in kept.values())
    assert not built.down().failed
    assert built.writes[writes:] == []
    assert witness.seen(built.client) == before
    assert not built.state.path.exists()


# A load balancer goes with whatever is in it.
INSIDE = {"listener", "listener_rule"}
ALONE = [each for each in DELETIONS if each.partition(".")[0] in TAKE.keys() - INSIDE]


@pytest.mark.parametrize("address", one_in(12, ALONE))
def test_one_resource_that_is_somebody_elses_stays(
    account_in_memory: Application, address: str
) -> None:
    application = account_in_memory.with_config(DOORS["alb"])
    application.up()
    take_over(application, address)
    outputs = application.outputs(address)
    application.down()
    assert address not in application.state.state.resources
    # It is still there to be tagged: boto3 raises for what is gone.
    TAKE[address.partition(".")[0]](application.client, outputs)


# AWS doesn't let others delete these while ours use them; of a log group and a load balancer the
# account in memory shows the tags when they are gone.
NOT_MADE_AGAIN = {
    "security_group",
    "compute_environment",
    "job_queue",
    "scheduling_policy",
    "log_group",
    "load_balancer",
}
MADE_AGAIN = [
    kind
    for kind, (address, _) in FOREIGN.items()
    if address in DELETIONS and kind not in NOT_MADE_AGAIN
]


@pytest.mark.parametrize("kind", one_in(6, MADE_AGAIN))
def test_what_others_made_again_under_a_recorded_name_stays_and_is_named(
    account_in_memory: Application, kind: str
) -> None:
    application = account_in_memory
    application.up()
    address, make = FOREIGN[kind]
    DELETIONS[address](application)
    make(application)
    record = application.state.state.resources[address]
    plan = planned_down(application)
    (step,) = [each for each in plan.steps if each.address == address]
    assert (step.action, step.forgets) == (Action.KEEP, True)
    application.down()
    assert address not in application.state.state.resources
    assert find_owned(record, application.aws).foreign


def test_what_becomes_somebody_elses_after_the_plan_is_kept_too(
    account_in_memory: Application,
) -> None:
    application = account_in_memory
    application.up()
    plan, state, kept = planned_down(application), application.state, list[Step]()
    take_over(application, "queue.jobs")
    application.aws.clock.pause(FRESH_S + 1)

    def note(event: Any) -> None:
        step = getattr(event, "step", None)
        if step is not None and step.action is Action.KEEP:
            kept.append(step)

    destroy(plan, state, application.aws, note)
    assert [step.address for step in kept] == ["queue.jobs"]
    assert "batchctl:stack=theirs" in str(kept[0].kept_because)
    assert application.client("sqs").get_queue_url(QueueName="batchapp-jobs")


def test_every_kind_that_down_deletes_is_tried() -> None:
    deleted = {
        kind
        for kind, each in Resource.kinds.items()
        if each.__module__.startswith("batchctl.") and not (each.lookup or each.shared)
    }
    assert set(TAKE) | set(BELONGS_TO) == deleted
