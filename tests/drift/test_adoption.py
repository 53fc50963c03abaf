"""A lost state costs nothing: what is ours is adopted, what is somebody else's stays untouched."""

from __future__ import annotations

from typing import Any

import pytest
import witness
from built import Application
from made_by_others import FOREIGN
from slices import one_in

from batchctl.engine.plan import make_plan
from batchctl.resource import NotOwned, Resource


def test_without_its_state_everything_is_adopted_and_nothing_is_created(
    account_in_memory: Application,
) -> None:
    application = account_in_memory
    application.up()
    as_built = witness.seen(application.client)
    lost = application.without_state()
    plan = lost.plan()
    assert plan.changes == ()
    adopted = {step.address for step in plan.steps if step.adopted}
    assert adopted == set(application.state.state.resources) - {"service_linked_role.batch"}
    writes = len(lost.writes)
    assert lost.up() == []
    assert lost.writes[writes:] == []
    assert witness.seen(lost.client) == as_built
    assert lost.state.state.resources == application.state.state.resources


def test_drift_is_repaired_while_a_lost_state_is_rebuilt(
    account_in_memory: Application,
) -> None:
    application = account_in_memory
    application.up()
    as_built = witness.seen(application.client)
    application.client("logs").put_retention_policy(
        logGroupName="/aws/lambda/batchapp-JobAPI", retentionInDays=1
    )
    lost = application.without_state()
    assert {step.address for step in lost.plan().changes} == {"log_group.api"}
    assert [step.address for step in lost.up()] == ["log_group.api"]
    assert witness.seen(lost.client) == as_built
    assert not lost.down().failed
    assert set(witness.inventory(lost.client)["roles"]) <= {"AWSServiceRoleForbatch"}


# Known by what they belong to, which is ours: no name of theirs can be somebody else's.
NAMELESS = {
    "image",
    "event_source_mapping",
    "async_invocation",
    "permission",
    "target",
    "listener",
    "listener_rule",
    "api_deployment",
    "stage",
    "web_acl_association",
}
# Names that aren't unique, where ours are known by their tag; the account's one role for logs; and
# what is the user's own, and only looked up.
UNTAKEN = {"rest_api", "api_logging", "network", "certificate", "service_linked_role"}


@pytest.mark.parametrize("kind", one_in(5, FOREIGN))
def test_what_has_our_name_without_our_tag_is_named_and_left_untouched(
    account_in_memory: Application, kind: str
) -> None:
    application = account_in_memory
    address, make = FOREIGN[kind]
    make(application)
    before: dict[str, Any] = witness.seen(application.client)
    plan = make_plan(application.stack, application.state.state, application.aws)
    error = plan.outcome.failed[address]
    assert isinstance(error, NotOwned)
    assert "batchctl:stack=batchapp" in error.message
    assert "batchapp" in error.message.split("exists")[0]
    assert witness.seen(application.client) == before


def test_every_kind_with_a_unique_name_is_tried() -> None:
    ours = {
        kind for kind, each in Resource.kinds.items() if each.__module__.startswith("batchctl.")
    }
    assert set(FOREIGN) | NAMELESS == ours - UNTAKEN
