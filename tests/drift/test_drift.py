"""What other hands changed is shown by `plan`, mended by `up`, and nothing else is touched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import witness
from built import differences
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import MUTATIONS, Mutation
from shared import EXAMPLES, Shared

from batchctl.engine.plan import Action
from batchctl.resource import Resource

CHANGED_AT_ONCE = 12


def drift_and_mend(shared: Shared, changed: Sequence[tuple[Mutation, Any]]) -> None:
    """Change by other hands; see it in the plan, mend it, ask boto3 whether all is as it was."""
    application = shared.settled()
    as_built, shared.application = shared.as_built, None
    for mutation, value in changed:
        mutation.apply(application, value)
    assert witness.seen(application.client) != as_built
    plan = application.plan()
    assert differences(plan) == {(each.address, each.path) for each, _ in changed}
    assert {step.action for step in plan.changes} == {Action.UPDATE}
    done = application.up()
    assert {step.address for step in done} == {each.address for each, _ in changed}
    assert witness.seen(application.client) == as_built
    assert application.plan().changes == ()
    # Only now is it as every test wants it.
    shared.application = application


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
@settings(EXAMPLES, max_examples=1)
@given(data=st.data())
def test_an_attribute_changed_by_other_hands_is_shown_and_mended(
    shared: Shared, mutation: Mutation, data: st.DataObject
) -> None:
    drift_and_mend(shared, [(mutation, data.draw(mutation.values))])


def _place(mutation: Mutation) -> tuple[str, str]:
    """What no two changes may have in common; an upload of code is one of its architecture."""
    top, _, _ = mutation.path.partition(".")
    return mutation.address, "Code" if top in {"CodeSha256", "Architectures"} else top


@settings(EXAMPLES, max_examples=20)
@given(data=st.data())
def test_many_attributes_changed_at_once_are_shown_and_mended_at_once(
    shared: Shared, data: st.DataObject
) -> None:
    chosen = data.draw(
        st.lists(
            st.sampled_from(MUTATIONS),
            min_size=2,
            max_size=CHANGED_AT_ONCE,
            unique_by=_place,
        )
    )
    drift_and_mend(shared, [(each, data.draw(each.values)) for each in chosen])


def test_every_kind_that_can_drift_has_mutations() -> None:
    kinds = {each.address.partition(".")[0] for each in MUTATIONS}
    ours = {
        kind for kind, each in Resource.kinds.items() if each.__module__.startswith("batchctl.")
    }
    # A network is looked up, and a service-linked role has nothing that is ours.
    assert kinds == ours - {"network", "service_linked_role"}
