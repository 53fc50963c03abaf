"""What the functions' environment describes: each thing made at its first use, and kept.

The only place that reads the environment, and where objects get the clients that they call.
"""

from __future__ import annotations

import os
import time
from functools import cache

from batchctl.contract.environment import Function
from batchctl.contract.retention import retention_of
from handlers import clients
from handlers.batch.messages import Messages
from handlers.batch.split_lease import SplitLeases
from handlers.batch.splitter import Splitter
from handlers.batch.submission import Submission, TaskSettings
from handlers.batch.termination import HandOver, Marker, Terminator
from handlers.http.reader import Reader
from handlers.http.receiver import Receiver
from handlers.http.slicing import Slicing
from handlers.store.jobs import JobStore
from handlers.store.service_clock import ServiceClock
from handlers.tracking.cancel import Canceller
from handlers.tracking.delete import Deleter
from handlers.tracking.events import Tracker
from handlers.tracking.failure_records import FailureRecords
from handlers.tracking.follow_ups import FollowUps
from handlers.tracking.monitor import Monitor
from handlers.tracking.retry import Retrier


@cache
def receiver() -> Receiver:
    """Return what makes jobs durable."""
    return Receiver(
        store=store(),
        messages=messages(),
        slicing=Slicing(
            items_per_task=_number(Function.ITEMS_PER_TASK),
            at_once=_number(Function.AT_ONCE) or 1,
        ),
    )


@cache
def splitter() -> Splitter:
    """Return what submits jobs; it may mark a Batch job that it has to terminate."""
    marker = Marker(submission(), clients.batch())
    terminator = Terminator(store(), submission(), clients.batch(), marker)
    leases = SplitLeases(store(), has_runner=_is_set(Function.RUNNER))
    return Splitter(leases, submission(), terminator)


@cache
def reader() -> Reader:
    """Return what reads jobs for clients."""
    return Reader(store(), monitor(), messages())


@cache
def tracker() -> Tracker:
    """Return what takes in events of AWS Batch."""
    return Tracker(store(), monitor(), clients.batch())


@cache
def canceller() -> Canceller:
    """Return what cancels jobs."""
    return Canceller(store(), monitor(), _trackers_terminator())


@cache
def deleter() -> Deleter:
    """Return what deletes jobs."""
    return Deleter(store(), monitor())


@cache
def retrier() -> Retrier:
    """Return what makes another run of a job."""
    return Retrier(
        store=store(),
        monitor=monitor(),
        terminator=_trackers_terminator(),
        messages=messages(),
        has_on_demand=Function.JOB_QUEUE_ON_DEMAND in os.environ,
    )


@cache
def store() -> JobStore:
    """Return the job table, which goes by AWS's clock."""
    client, name = clients.dynamodb(), os.environ[Function.TABLE]
    return JobStore(
        client, name, clock=ServiceClock(client, name), retention=retention_of(os.environ)
    )


@cache
def monitor() -> Monitor:
    """Return what finds out how jobs stand."""
    follow_ups = FollowUps(
        store(),
        messages(),
        memory_sizes=tuple(
            int(size) for size in os.environ.get(Function.MEMORY_SIZES, "").split(",") if size
        ),
        has_on_demand=Function.JOB_QUEUE_ON_DEMAND in os.environ,
    )
    failures = FailureRecords(store(), clients.batch())
    return Monitor(store(), clients.batch(), failures, follow_ups)


@cache
def messages() -> Messages:
    """Return what tells JobSplitter to look at a job."""
    return Messages(clients.sqs(), os.environ[Function.QUEUE_URL])


@cache
def submission() -> Submission:
    """Return what submits Batch jobs."""
    return Submission(
        once=clients.batch_once(),
        batch=clients.batch(),
        queue=os.environ[Function.JOB_QUEUE],
        definition=os.environ[Function.JOB_DEFINITION],
        sleep=time.sleep,
        stack=os.environ[Function.STACK],
        queue_on_demand=os.environ.get(Function.JOB_QUEUE_ON_DEMAND),
        tasks=TaskSettings(
            item_timeout_s=_number(Function.ITEM_TIMEOUT_S),
            processes=_number(Function.PROCESSES) or 1,
            has_runner=_is_set(Function.RUNNER),
            has_shares=_is_set(Function.SHARES),
        ),
    )


def _trackers_terminator() -> Terminator:
    """Return what terminates Batch jobs for the tracker, which may not mark any."""
    return Terminator(store(), submission(), clients.batch(), HandOver(messages()))


def _number(variable: str) -> int | None:
    value = os.environ.get(variable)
    return None if value is None else int(value)


def _is_set(variable: str) -> bool:
    return os.environ.get(variable) == "1"
