"""Where requested jobs wait, and where jobs and results are kept."""

from __future__ import annotations

from dataclasses import dataclass

from batchctl.config import Config
from batchctl.resources.dynamodb.tables import Table
from batchctl.resources.sqs import Queue

SECONDS_A_DAY = 86_400
# No function reads the dead letters of events: a reader's copy is released after half a minute.
EVENT_VISIBILITY_S = 30
TABLE_INDEX = "by_created_at"
TABLE_EXPIRY = "expires_at"


@dataclass(frozen=True)
class Storage:
    """Where requested jobs wait and where jobs and results are kept.

    `events_dead_letters` takes the events of Batch that didn't come through to the tracker.
    """

    queue: Queue
    dead_letters: Queue
    events_dead_letters: Queue
    table: Table


def build_storage(config: Config) -> Storage:
    """Return the queue, its dead letters and the job table."""
    dead_letters = Queue(
        label="dead_letters",
        name=f"{config.name}-dead-letters",
        visibility_timeout_s=config.functions.visibility_timeout_s,
        retention_s=config.queue.dead_letter_retention_days * SECONDS_A_DAY,
        takes_from=_queue_name(config),
    )
    queue = Queue(
        label="jobs",
        name=_queue_name(config),
        visibility_timeout_s=config.functions.visibility_timeout_s,
        retention_s=config.queue.retention_days * SECONDS_A_DAY,
        dead_letters=dead_letters,
        max_receive_count=config.queue.max_receive_count,
    )
    events_dead_letters = Queue(
        label="events_dead_letters",
        name=f"{config.name}-events-dead-letters",
        visibility_timeout_s=EVENT_VISIBILITY_S,
        retention_s=config.queue.dead_letter_retention_days * SECONDS_A_DAY,
        event_rule=event_rule_name(config),
    )
    table = Table(
        label="jobs",
        name=f"{config.name}-jobs",
        partition_key="job_id",
        sort_key="item",
        index_name=TABLE_INDEX,
        index_partition_key="listing",
        index_sort_key="created_at",
        index_projection=("status", "items", "tasks", "finished_at"),
        point_in_time_recovery=config.job_table.point_in_time_recovery,
        deletion_protection=config.job_table.deletion_protection,
        max_write_units=config.job_table.max_write_units,
        # What was written while days were set stays, too, once they no longer are.
        expiry_attribute=None if config.job_table.keep_days is None else TABLE_EXPIRY,
    )
    return Storage(queue, dead_letters, events_dead_letters, table)


def _queue_name(config: Config) -> str:
    """Return the name of the queue of jobs, which its dead letters must know."""
    return f"{config.name}-jobs"


def event_rule_name(config: Config) -> str:
    """Return the name of the rule of Batch's events, which its dead letters must know."""
    return f"{config.name}-job-events"
