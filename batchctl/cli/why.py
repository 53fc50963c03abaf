"""`batchctl why`: on one screen, what AWS says about a job, the likely cause and what to do."""

from __future__ import annotations

import dataclasses
import time
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from batchctl.cli.options import api_options, shared_options
from batchctl.cli.output import print_json

if TYPE_CHECKING:
    from batchctl.jobs import Job, JobsClient
    from batchctl.jobs.evidence import Condition

RESULTS_READ = 5000
"""So many results are read for the errors in them."""
ERRORS_SHOWN = 5


@click.command()
@click.argument("job_id")
@api_options
@shared_options
def why(*, job_id: str) -> None:
    """Say why a job waits or failed: what AWS says, the likely cause, what to do.

    \b
    Examples:
      batchctl why demo-1
      batchctl why demo-1 --json
    """
    from batchctl.cli.client import open_jobs
    from batchctl.cli.job_places import places_of
    from batchctl.jobs.diagnosis import diagnose
    from batchctl.jobs.evidence import gather
    from batchctl.jobs.record import read_record

    application, client = open_jobs()
    places = places_of(application)
    job = client.show(job_id, limit=1)
    record = read_record(application.aws, places.table, job_id)
    evidence = gather(application.aws, places, record)
    found = {
        "job_id": job_id,
        "status": job.status,
        "tasks": dict(evidence.statuses),
        "waiting": dict(evidence.waiting),
        "failed": dict(evidence.failed),
        "errors": _errors(client, job),
        "conditions": [dataclasses.asdict(each) for each in evidence.conditions],
        "findings": [
            dataclasses.asdict(each) for each in diagnose(evidence, int(time.time() * 1000))
        ],
    }
    if application.options.json:
        print_json(found)
    else:
        _show(found, evidence.conditions)


def _errors(client: JobsClient, job: Job) -> dict[str, int]:
    """Count the errors among the first results, the most frequent first."""
    if not job.tasks.failed and not job.ended:
        return {}
    failed = (each for each in islice(client.results(job.job_id), RESULTS_READ) if each.error)
    counted = Counter(
        f"{each.reason}: {_first_line(each.error)}" if each.reason else _first_line(each.error)
        for each in failed
    )
    return dict(counted.most_common(ERRORS_SHOWN))


def _first_line(error: str | None) -> str:
    return (error or "").partition("\n")[0]


def _show(found: dict[str, Any], conditions: tuple[Condition, ...]) -> None:
    click.echo(f"{found['job_id']} is {found['status']}")
    if found["tasks"]:
        counts = ", ".join(f"{count} {status}" for status, count in found["tasks"].items())
        click.echo(f"\nAWS Batch: {counts}")
    for condition in conditions:
        click.echo(f"  {_condition_line(condition)}")
    if found["errors"]:
        click.echo("\nerrors:")
        for error, count in found["errors"].items():
            click.echo(f"  {count}: {error}")
    for finding in found["findings"]:
        click.echo(
            f"\nseen:  {finding['seen']}\ncause: {finding['cause']}\nfix:   {finding['fix']}"
        )
    if not found["findings"]:
        click.echo("\nnothing holds it up")


def _condition_line(condition: Condition) -> str:
    used = (
        ""
        if condition.max_vcpus is None
        else f", {condition.desired_vcpus or 0} of {condition.max_vcpus} vCPUs wanted"
    )
    states = ", ".join(each for each in (condition.state, condition.status) if each)
    return f"{condition.kind} {condition.name}: {states}{used}"
