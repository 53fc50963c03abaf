"""Checks of the deployment: names that are taken, and the health of what is up already."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from batchctl.application.doctor.findings import Check, Finding, ok, problem, warning
from batchctl.errors import BatchctlError
from batchctl.jobs.errors import Forbidden

if TYPE_CHECKING:
    from batchctl.application.building import BuildableApplication


def plan(application: BuildableApplication) -> Iterator[Finding]:
    """Plan as `up` does: what is in its way (a name that is taken, a certificate) is found so."""
    made = application.plan()
    for address, error in made.outcome.failed.items():
        hint = error.hint if isinstance(error, BatchctlError) else None
        yield problem(f"{address}: {error}", hint or "fix it: `batchctl up` would stop there")
    if made.outcome.ended_by is not None:
        raise made.outcome.ended_by
    if made.outcome.complete:
        yield ok(f"nothing is in the way of `up` ({len(made.changes)} changes to make)")


def endpoint(application: BuildableApplication) -> Iterator[Finding]:
    """Ask the API for the list of jobs, where it is up."""
    if application.front_door.url is None:
        yield ok("nothing is deployed yet")
        return
    try:
        application.jobs().list(limit=1)
    except Forbidden:
        yield ok(f"`{application.endpoint}` answers, and lets these credentials not in")
    except BatchctlError as error:
        yield problem(
            f"`{application.endpoint}`: {error.message}", error.hint or "`batchctl status`"
        )
    else:
        yield ok(f"`{application.endpoint}` answers")


def queues(application: BuildableApplication) -> Iterator[Finding]:
    """Look for messages that failed, and for job queues that take no jobs."""
    recorded = application.recorded
    if recorded is None or not recorded.resources:
        yield ok("nothing is deployed yet")
        return
    status = application.status(application.plan())
    failed = {name: depth for name, depth in status.queues.items() if "dead" in name and depth}
    if failed:
        total = sum(failed.values())
        yield warning(
            f"{total} messages have failed for good", "`batchctl dead-letters` shows them"
        )
    name = recorded.outputs("job_queue.compute").get("id")
    if name is None:
        return
    found = application.aws.batch.describe_job_queues(jobQueues=[str(name)])["jobQueues"]
    for queue in found:
        if queue["state"] != "ENABLED" or queue["status"] != "VALID":
            yield problem(
                f"job queue `{name}` is {queue['state']} and {queue['status']}: "
                f"{queue.get('statusReason', 'no reason given')}",
                "`batchctl up` repairs it",
            )
        else:
            yield ok(f"job queue `{name}` takes jobs")


CHECKS = (
    Check("names", plan),
    Check("endpoint", endpoint),
    Check("queues", queues),
)
