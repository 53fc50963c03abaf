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
from handlers.batch.split_lease import SplitLeases
from handlers.batch.splitter import Splitter
from handlers.batch.submission import Submission
from handlers.batch.termination import HandOver, Marker, Terminator
from handlers.http.reader import Reader
from handlers.http.receiver import Receiver
from handlers.store.jobs import JobStore
from handlers.tracking.cancel import Canceller
from handlers.tracking.events import Tracker
from handlers.tracking.failure_records import FailureRecords
from handlers.tracking.monitor import Monitor
from handlers.tracking.retry import Retrier


@cache
def receiver() -> Receiver:
    """Return what makes jobs durable."""
    return Receiver(
        store=store(),
        sqs=clients.sqs(),
        queue_url=os.environ[Function.QUEUE_URL],
        items_per_task=int(os.environ[Function.ITEMS_PER_TASK]),
    )


@cache
def splitter() -> Splitter:
    """Return what submits jobs; it may mark a Batch job that it has to terminate."""
    marker = Marker(submission(), clients.batch())
    terminator = Terminator(store(), submission(), clients.batch(), marker)
    return Splitter(SplitLeases(store()), submission(), terminator)


@cache
def reader() -> Reader:
    """Return what reads jobs for clients."""
    return Reader(store(), monitor())


@cache
def tracker() -> Tracker:
    """Return what takes in events of AWS Batch."""
    return Tracker(store(), monitor(), clients.batch())


@cache
def canceller() -> Canceller:
    """Return what cancels jobs."""
    return Canceller(store(), monitor(), _trackers_terminator())


@cache
def retrier() -> Retrier:
    """Return what makes another run of a job."""
    return Retrier(
        store=store(),
        monitor=monitor(),
        terminator=_trackers_terminator(),
        sqs=clients.sqs(),
        queue_url=os.environ[Function.QUEUE_URL],
        has_on_demand=Function.JOB_QUEUE_ON_DEMAND in os.environ,
    )


@cache
def store() -> JobStore:
    """Return the job table."""
    return JobStore(
        clients.dynamodb(), os.environ[Function.TABLE], retention=retention_of(os.environ)
    )


@cache
def monitor() -> Monitor:
    """Return what finds out how jobs stand."""
    return Monitor(store(), clients.batch(), FailureRecords(store(), clients.batch()))


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
    )


def _trackers_terminator() -> Terminator:
    """Return what terminates Batch jobs for the tracker, which may not mark any."""
    hand_over = HandOver(clients.sqs(), os.environ[Function.QUEUE_URL])
    return Terminator(store(), submission(), clients.batch(), hand_over)
