"""`batchctl why`: on one screen, what AWS says about a job, the likely cause and what to do."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Any

import click

from batchctl.cli.display.job import spelled
from batchctl.cli.options import api_options, shared_options
from batchctl.cli.output import print_json, show, show_lines

if TYPE_CHECKING:
    from batchctl.application.application import Application
    from batchctl.jobs.diagnosis.evidence import Condition

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
    from batchctl.application.caller import open_jobs
    from batchctl.application.job_resources import job_resources_of
    from batchctl.jobs.diagnosis.evidence import gather
    from batchctl.jobs.diagnosis.failures import count_errors
    from batchctl.jobs.diagnosis.findings import diagnose
    from batchctl.jobs.record import read_record

    application, client = open_jobs()
    resources = job_resources_of(application)
    job = client.show(job_id, limit=1)
    record = read_record(application.aws, resources.table, job_id)
    evidence = gather(application.aws, resources, record)
    found = {
        "job_id": job_id,
        "status": job.status,
        "tasks": dict(evidence.statuses),
        "waiting": dict(evidence.waiting),
        "failed": dict(evidence.failed),
        "errors": count_errors(client.results(job_id), ERRORS_SHOWN) if job.tasks.failed else {},
        "conditions": [dataclasses.asdict(each) for each in evidence.conditions],
        "findings": [
            dataclasses.asdict(each) for each in diagnose(evidence, int(time.time() * 1000))
        ],
    }
    if application.options.json:
        print_json(found)
    else:
        _show(application, found, evidence.conditions)


def _show(
    application: Application, found: dict[str, Any], conditions: tuple[Condition, ...]
) -> None:
    show(f"{found['job_id']} is {found['status']}")
    if found["tasks"]:
        counts = ", ".join(f"{count} {status}" for status, count in found["tasks"].items())
        show()
        show(f"AWS Batch: {counts}")
    for condition in conditions:
        show(f"  {_condition_line(condition)}")
    if found["errors"]:
        show()
        show("errors:")
        for error, count in found["errors"].items():
            show(f"  {count}: {error}")
    for finding in found["findings"]:
        fix = finding["fix"].replace("`batchctl ", f"`{spelled(application)} ")
        show()
        show_lines(f"seen:  {finding['seen']}", mark="       ")
        show(f"cause: {finding['cause']}")
        show(f"fix:   {fix}")
    if not found["findings"]:
        show()
        show("nothing holds it up")


def _condition_line(condition: Condition) -> str:
    used = (
        ""
        if condition.max_vcpus is None
        else f", {condition.desired_vcpus or 0} of {condition.max_vcpus} vCPUs wanted"
    )
    states = ", ".join(each for each in (condition.state, condition.status) if each)
    return f"{condition.kind} {condition.name}: {states}{used}"
