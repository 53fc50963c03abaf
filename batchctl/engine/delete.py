"""Delete recorded resources that are ours: dependents first, entry points before everything else.

What AWS refuses as it is in use is tried again once more of the rest is gone, as it isn't always
recorded who needs what: where a state was lost, something that was found by its name is taken to
need what its successor needs.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from botocore.exceptions import BotoCoreError, ClientError

from batchctl.aws.clock import Clock
from batchctl.aws.errors import is_in_use
from batchctl.aws.session import Aws
from batchctl.engine.action import Action
from batchctl.engine.deletions import goes_on, keyed, needs, needs_until_gone, physical_id
from batchctl.engine.events import Emit, Failed, Finished, Kept, Started, Waiting
from batchctl.engine.kinds import kind_of
from batchctl.engine.ownership import FRESH_S, Found, find_owned
from batchctl.engine.state import StateFile, StateRecord
from batchctl.engine.steps import Step
from batchctl.engine.walk import WalkOutcome, walk
from batchctl.errors import BatchctlError, Interrupted, RunOver


@dataclass(frozen=True)
class Known:
    """What a plan found of records, by their keys, and when it was read."""

    found: Mapping[str, Found] = field(default_factory=dict)
    read_at: float = -math.inf

    def fresh(self, key: str, aws: Aws) -> Found | None:
        """Return what is known of a record, unless it was read too long ago."""
        if aws.clock.now() - self.read_at > FRESH_S:
            return None
        return self.found.get(key)


NOTHING_KNOWN = Known()


def delete_records(  # noqa: PLR0913 - as `_delete`, and what ends
    records: Sequence[StateRecord],
    state: StateFile,
    aws: Aws,
    emit: Emit,
    known: Known = NOTHING_KNOWN,
    *,
    ends_work: bool = True,
) -> WalkOutcome:
    """Delete recorded resources that are ours, each after its dependents and the entry points.

    What isn't ours is kept and forgotten. `known` is what a plan has just found of them. Unless
    that `ends_work`, a predecessor in which work goes on stays, with all that it needs.
    """
    all_by_key = keyed(records, state.state.deposed)
    by_key, last = dict(all_by_key), frozenset[str]()
    outcome = WalkOutcome()
    while by_key:
        tried = _delete_once(by_key, state, aws, emit, known, last=last, ends_work=ends_work)
        again = _to_try_again(by_key, tried)
        if not _is_any_gone(by_key, state):
            # Then it is in use by what waits for it: that goes first for once.
            last = frozenset() if last else again & tried.failed.keys()
            again = again if last else frozenset()
        else:
            last = frozenset()
        outcome = _without(outcome.and_of(tried), again)
        by_key = {key: each for key, each in by_key.items() if key in again}
    for key, error in outcome.failed.items():
        if is_in_use(error):
            emit(Failed(_step(all_by_key[key]), error))
    return outcome


def _to_try_again(by_key: Mapping[str, StateRecord], tried: WalkOutcome) -> frozenset[str]:
    """Return the keys of what was in use, and of what waits for it."""
    if tried.interrupted or tried.ended_by:
        return frozenset()
    in_use = {key for key, error in tried.failed.items() if is_in_use(error)}
    return frozenset(key for key in by_key if key in in_use or tried.skipped.get(key) in in_use)


def _is_any_gone(by_key: Mapping[str, StateRecord], state: StateFile) -> bool:
    records = (*state.state.resources.values(), *state.state.deposed)
    return any(record not in records for record in by_key.values())


def _without(outcome: WalkOutcome, again: frozenset[str]) -> WalkOutcome:
    """Return the outcome but for what is tried again."""
    failed = {key: error for key, error in outcome.failed.items() if key not in again}
    skipped = {key: because for key, because in outcome.skipped.items() if key not in again}
    return dataclasses.replace(outcome, failed=failed, skipped=skipped)


def _delete_once(  # noqa: PLR0913 - as `delete_records`
    by_key: Mapping[str, StateRecord],
    state: StateFile,
    aws: Aws,
    emit: Emit,
    known: Known,
    *,
    last: frozenset[str],
    ends_work: bool,
) -> WalkOutcome:
    """Try each once, in order, but that nothing waits for those that come `last`."""
    dependents = {key: before - last for key, before in _reversed_graph(by_key).items()}
    kept: dict[str, str] = {}

    def delete_one(key: str) -> None:
        record = by_key[key]
        because = next((needs(by_key[each].address) for each in dependents[key] & kept.keys()), "")
        if because:
            emit(Kept(_step(record), because))
        else:
            fresh = known.fresh(key, aws)
            because = _delete(record, fresh, state, aws, emit, ends_work=ends_work)
        if because:
            kept[key] = because

    def disable_one(key: str) -> None:
        if ends_work:
            _disable(by_key[key], known.fresh(key, aws), state, aws)

    graph = _entry_points_first(dependents, by_key)
    return _walk_disabling(graph, by_key, delete_one, disable_one, aws.clock)


def _walk_disabling(
    graph: Mapping[str, AbstractSet[str]],
    by_key: Mapping[str, StateRecord],
    delete_one: Callable[[str], None],
    disable_one: Callable[[str], None],
    clock: Clock,
) -> WalkOutcome:
    """Walk the graph, and disable at once what can be; each is deleted after that."""
    keys = {f"{key} (disabling)": key for key in graph if kind_of(by_key[key]).disabled_ahead}
    ahead = {key: disabling for disabling, key in keys.items()}
    nodes: dict[str, AbstractSet[str]] = {disabling: frozenset() for disabling in keys}
    for key, before in graph.items():
        nodes[key] = before | {ahead[key]} if key in ahead else before

    def work(node: str) -> None:
        if node in keys:
            disable_one(keys[node])
        else:
            delete_one(node)

    outcome = walk(nodes, work, clock.stop, clock.workers)
    skipped = {key: because for key, because in outcome.skipped.items() if key not in keys}
    return dataclasses.replace(outcome, skipped=skipped)


def _disable(record: StateRecord, fresh: Found | None, state: StateFile, aws: Aws) -> None:
    """Disable a resource of ours ahead of its turn.

    What goes wrong now comes up again when its turn has come.
    """
    try:
        found = fresh or find_owned(record, aws, is_deposed=record in state.state.deposed)
        if found.outputs is not None:
            kind_of(record).disable(aws, found.outputs)
    except (Interrupted, RunOver):
        raise
    except (ClientError, BotoCoreError, BatchctlError):
        return


def _reversed_graph(by_key: Mapping[str, StateRecord]) -> dict[str, set[str]]:
    """Return for each record the records that need it until they are gone: they must go first."""
    return {
        key: {
            other_key
            for other_key, other in by_key.items()
            if needs_until_gone(other, record) and other_key != key
        }
        for key, record in by_key.items()
    }


def _entry_points_first(
    graph: Mapping[str, AbstractSet[str]], by_key: Mapping[str, StateRecord]
) -> dict[str, AbstractSet[str]]:
    """Return the graph with entry points first, so that no new work arrives during deletion."""
    entry_points = {key for key, record in by_key.items() if kind_of(record).entry_point}
    first = set(entry_points)
    while more := {before for key in first for before in graph[key]} - first:
        first |= more
    return {key: before if key in first else before | entry_points for key, before in graph.items()}


def _delete(  # noqa: PLR0913 - what is deleted, what is known of it, and who is notified
    record: StateRecord,
    fresh: Found | None,
    state: StateFile,
    aws: Aws,
    emit: Emit,
    *,
    ends_work: bool,
) -> str:
    """Delete a resource that is ours and forget it; or say why it stays."""
    if kind_of(record).shared or (fresh and fresh.foreign):
        _forget(record, state)
        return ""
    is_deposed = record in state.state.deposed
    kind, retires = kind_of(record), is_deposed and not ends_work
    step = _step(record)
    reporting = aws.reporting_to(lambda what: emit(Waiting(step, what)))
    started, work = aws.clock.now(), None
    emit(Started(step))
    try:
        found = fresh or find_owned(record, reporting, is_deposed=is_deposed)
        if found.outputs is not None and retires:
            work = kind.retire(reporting, found.outputs)
        elif found.outputs is not None:
            kind.delete(reporting, found.outputs)
    except (Interrupted, RunOver):
        raise
    except BaseException as error:
        if not is_in_use(error):
            emit(Failed(step, error))
        raise
    if work:
        emit(Kept(step, goes_on(work)))
        return goes_on(work)
    _forget(record, state)
    if found.foreign is not None:
        step = dataclasses.replace(step, action=Action.KEEP, kept_because=found.foreign)
    emit(Finished(step, aws.clock.now() - started))
    return ""


def _step(record: StateRecord) -> Step:
    return Step(Action.DELETE, record.address, physical_id(record))


def _forget(record: StateRecord, state: StateFile) -> None:
    if record in state.state.deposed:
        state.bury(record)
    else:
        state.remove(record.address)
