"""What an `up` leaves of an earlier version until what that has begun is done.

Containers of a version before shares record their results under the job's own key. They may do so
as long as jobs of theirs are unfinished: in the queue that they were submitted to, which has a
successor since, or is about to have one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from batchctl.aws.session import Aws
from batchctl.engine.kinds import outputs_of
from batchctl.engine.state import State, StateRecord
from batchctl.resource import Outputs
from batchctl.resources.batch.queues import JobQueue
from batchctl.resources.batch.scheduling_policies import SchedulingPolicy


def earlier_containers(state: State | None, aws: Callable[[], Aws]) -> bool:
    """Whether containers of a version before shares may still run.

    Nothing is asked where the state has no queue of such a version.
    """
    queues = () if state is None else tuple(_queues_without_shares(state))
    return any(JobQueue.running(aws(), queue) for queue in queues)


def _queues_without_shares(state: State) -> Iterator[Outputs]:
    """Yield the queues that an earlier version made: those that have a successor, those that don't.

    A version with shares records that a queue depends on its scheduling policy.
    """
    earlier = (each for each in state.resources.values() if not _shares(each))
    for record in (*earlier, *state.deposed):
        outputs = outputs_of(record) if record.kind == JobQueue.kind else None
        if outputs is not None:
            yield outputs


def _shares(record: StateRecord) -> bool:
    return any(each.startswith(f"{SchedulingPolicy.kind}.") for each in record.dependencies)
