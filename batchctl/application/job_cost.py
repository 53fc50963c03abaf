"""What a job cost, from what AWS Batch says of its attempts and EC2 of prices then."""

from __future__ import annotations

from collections.abc import Iterator

from botocore.exceptions import ClientError

from batchctl.aws.session import Aws
from batchctl.contract.reasons import HOST_GONE
from batchctl.jobs.cost.ledger import HOUR_MS, JobCost, Market, Range, UsedTime, cost_of
from batchctl.jobs.cost.market import market_of
from batchctl.jobs.logs.attempts import Child, describe
from batchctl.jobs.record import earlier_batch_jobs, read_record
from batchctl.jobs.resources import JobResources


def job_cost_of(aws: Aws, resources: JobResources, job_id: str, now_ms: int) -> JobCost:
    """Return what a job has cost so far, all its runs together; JobNotFound.

    An attempt that runs is counted until `now_ms`, in milliseconds since the epoch. What Batch has
    forgotten (7 days after its end at the earliest) is counted as unknown.
    """
    record = read_record(aws, resources.table, job_id)
    batch_jobs = (*earlier_batch_jobs(aws, record), *record.batch_jobs)
    tasks = [task for each in batch_jobs for task in each.children]
    children = list(describe(aws, tasks))
    used = [each for child in children for each in _used(child, now_ms)]
    forgotten = len(tasks) - len(children)
    if not used:
        return cost_of((), Market(()), forgotten)
    return cost_of(used, _market(aws, resources, used), forgotten)


def _used(child: Child, now_ms: int) -> Iterator[UsedTime]:
    """Yield the time of each attempt of a task; one that still runs has it until now."""
    for attempt in child.attempts:
        if attempt.started_at is not None:
            yield UsedTime(
                attempt.started_at,
                attempt.stopped_at or now_ms,
                child.vcpus,
                child.memory_mib,
                lost=(attempt.status_reason or "").startswith(HOST_GONE),
            )


def _market(aws: Aws, resources: JobResources, used: list[UsedTime]) -> Market:
    """Return the market; an empty one where EC2 doesn't say: the cost is unknown then."""
    since, until = min(each.started_ms for each in used), max(each.stopped_ms for each in used)
    try:
        return market_of(
            aws,
            resources.compute_environments,
            since,
            until,
            most_vcpus=max(each.vcpus for each in used),
        )
    except ClientError:
        return Market(())


def price_now(
    aws: Aws, resources: JobResources, vcpus: float, memory_mib: int, now_ms: int
) -> Range | None:
    """Return what an hour of a task costs on Spot now, in US dollars; None: not known."""
    hour = UsedTime(now_ms, now_ms + HOUR_MS, vcpus, memory_mib)
    return cost_of([hour], _market(aws, resources, [hour])).spot
