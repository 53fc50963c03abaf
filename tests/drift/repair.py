"""Drift and its repair, on an application that many tests share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import witness
from built import differences
from mutation import Mutation
from shared import Shared

from batchctl.engine.plan import Action


def drift_and_repair(shared: Shared, changed: Sequence[tuple[Mutation, Any]]) -> None:
    """Change by other hands; see it in the plan, repair it, ask boto3 whether all is as it was."""
    application = shared.settled()
    as_built, shared.application = shared.as_built, None
    for mutation, value in changed:
        mutation.apply(application, value)
    assert witness.has_changed(application.client, as_built)
    plan = application.plan()
    assert differences(plan) == {(each.address, each.path) for each, _ in changed}
    assert {step.action for step in plan.changes} == {Action.UPDATE}
    done = application.up()
    assert {step.address for step in done} == {each.address for each, _ in changed}
    assert witness.seen(application.client) == as_built
    assert application.plan().changes == ()
    # Only now is it as every test wants it.
    shared.application = application
