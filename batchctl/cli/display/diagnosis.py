"""Why a job waits or failed: for people on one screen, and for machines."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from batchctl.cli.output import show, show_lines
from batchctl.cli.spelling import spelled

if TYPE_CHECKING:
    from batchctl.application.diagnosis import Diagnosis
    from batchctl.jobs.diagnosis.evidence import Condition


def as_json(found: Diagnosis) -> dict[str, Any]:
    """Return it as data: counts by Batch's words, conditions, findings with cause and fix."""
    evidence = found.evidence
    return {
        "job_id": found.job.job_id,
        "status": found.job.status,
        "tasks": dict(evidence.statuses),
        "waiting": dict(evidence.waiting),
        "failed": dict(evidence.failed),
        "errors": dict(found.errors),
        "results_read": evidence.sample.read,
        "is_sample": not evidence.sample.complete,
        "conditions": [dataclasses.asdict(each) for each in evidence.conditions],
        "findings": [
            dataclasses.asdict(each) | {"fix": spelled(each.fix)} for each in found.findings
        ],
    }


def show_diagnosis(found: Diagnosis) -> None:
    """Print it: how the job stands in AWS Batch, the errors, then each finding."""
    show(f"{found.job.job_id} is {found.job.status}")
    if found.evidence.statuses:
        counts = ", ".join(
            f"{count:,} {status}" for status, count in found.evidence.statuses.items()
        )
        show()
        show(f"AWS Batch: {counts}")
    for condition in found.evidence.conditions:
        show(f"  {_condition_line(condition)}")
    if found.errors:
        show()
        sample = found.evidence.sample
        of = "" if sample.complete else f" (of the first {sample.read:,} results)"
        show(f"errors{of}:")
        for error, count in found.errors.items():
            show(f"  {count:,}: {error}")
    for finding in found.findings:
        show()
        show_lines(f"seen:  {spelled(finding.seen)}", mark="       ")
        show(f"cause: {finding.cause}")
        show(f"fix:   {finding.fix}")
    if not found.findings:
        show()
        show("no problem found")


def _condition_line(condition: Condition) -> str:
    used = (
        ""
        if condition.max_vcpus is None
        else f", {condition.desired_vcpus or 0} of {condition.max_vcpus} vCPUs wanted"
    )
    states = ", ".join(each for each in (condition.state, condition.status) if each)
    return f"{condition.kind} {condition.name}: {states}{used}"
