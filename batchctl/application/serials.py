"""A shared state that was set back to an older version is known by what JobTracker says."""

from __future__ import annotations

from collections.abc import Mapping

from batchctl.application.job_resources import TRACKER
from batchctl.aws.session import Aws
from batchctl.aws.tags import SERIAL_TAG
from batchctl.engine.kinds import outputs_of
from batchctl.engine.plan import Plan
from batchctl.engine.state import StateError, StateFile
from batchctl.resources.awslambda.functions import Function, FunctionOutputs, set_tags


def require_current(state: StateFile, tags: Mapping[str, str]) -> None:
    """Raise StateError where the function's tags say a later serial than the state has."""
    said = _serial(tags)
    if state.store.is_shared and state.state.is_used and said > state.state.serial:
        raise StateError(
            f"could not go on with the state `{state.store.name}`: it is older than the stack "
            f"(serial {state.state.serial}, the stack's is {said})",
            hint="restore the newest version of it; or move it away: `batchctl up --adopt` then "
            "finds every resource by name and tag",
        )


def begin_after(state: StateFile, tags: Mapping[str, str]) -> None:
    """Count on from the stack's own serial, where a new state takes it over."""
    if not state.state.is_used:
        state.count_from(_serial(tags))


def mark_serial(state: StateFile, aws: Aws, tags: Mapping[str, str]) -> None:
    """Have JobTracker say the serial of a shared state, if that has changed; `tags` are its own."""
    record, serial = state.state.resources.get(TRACKER), state.state.serial
    outputs = outputs_of(record) if record else None
    if state.store.is_shared and isinstance(outputs, FunctionOutputs) and _serial(tags) != serial:
        set_tags(aws, outputs, {SERIAL_TAG: str(serial)})


def tags_of_tracker(plan: Plan) -> Mapping[str, str]:
    """Return the tags of JobTracker as a plan read them; none where there is none."""
    actual = plan.actual.get(TRACKER)
    return actual.tags if actual else {}


def read_tags_of_tracker(state: StateFile, aws: Aws) -> Mapping[str, str]:
    """Return the tags of the recorded JobTracker of a shared state; none for any other."""
    record = state.state.resources.get(TRACKER) if state.store.is_shared else None
    outputs = outputs_of(record) if record else None
    return (Function.tags_of(aws, outputs) or {}) if isinstance(outputs, FunctionOutputs) else {}


def _serial(tags: Mapping[str, str]) -> int:
    said = tags.get(SERIAL_TAG, "")
    return int(said) if said.isdecimal() else 0
