"""Examples of the kinds that bring events to a function."""

from __future__ import annotations

import dataclasses

from example import Example
from examples_awslambda import function
from examples_batch import on_demand, policy
from examples_batch import queue as compute_queue

from batchctl.resources.awslambda.async_invocations import AsyncInvocation
from batchctl.resources.batch.queues import JobQueue
from batchctl.resources.events import EventRule
from batchctl.resources.sqs import Queue

dead_letters = Queue(
    label="events_dead_letters",
    name="batchapp-events-dead-letters",
    visibility_timeout_s=30,
    retention_s=1_209_600,
    event_rule="batchapp-job-events",
)
on_demand_queue = JobQueue(
    label="on_demand",
    name="batchapp-on-demand",
    compute_environments=(on_demand,),
    scheduling_policy=policy,
)
rule = EventRule(
    label="job_events",
    name="batchapp-job-events",
    job_queues=(compute_queue,),
    function=function,
    dead_letters=dead_letters,
)
async_invocation = AsyncInvocation(
    label="splitter", name=function.name, function=function, dead_letters=dead_letters
)

EXAMPLES = [
    Example(rule, dataclasses.replace(rule, job_queues=(compute_queue, on_demand_queue))),
    Example(async_invocation, dataclasses.replace(async_invocation, retries=1)),
    Example(dead_letters, dataclasses.replace(dead_letters, event_rule="batchapp-other")),
]
