"""What a Batch job is submitted with, and by what it is known when the answer was lost."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from batch_double import BatchDouble
from botocore.exceptions import ReadTimeoutError
from jobs_left import Jobs
from surroundings import A_JOB, Clock

from batchctl.contract.job_record import JobRecord
from handlers.batch.submission import Submission, TaskSettings, share_identifier

LOST = ReadTimeoutError(endpoint_url="https://batch")
TOKEN = "0123456789abcdef" * 2


@pytest.fixture
def submission(submission: Submission) -> Submission:
    settings = TaskSettings(item_timeout_s=60, processes=4, has_runner=True, has_shares=True)
    return replace(submission, tasks=settings)


def submit(submission: Submission, **more: Any) -> None:
    job = replace(A_JOB, items=20, items_per_task=10, token=TOKEN, **more)
    submission.submit(job, job.batch_job_specs[0])


def test_the_time_of_a_task_follows_from_its_items_and_processes(
    submission: Submission, batch: BatchDouble
) -> None:
    submit(submission)
    (request,) = batch.requests
    # 10 items by 4 at once are 3 rounds
    assert request["timeout"] == {"attemptDurationSeconds": 600 + 1_800 + 3 * 60}
    variables = {
        each["name"]: each["value"] for each in request["containerOverrides"]["environment"]
    }
    assert variables["BATCHCTL_ATTEMPT_S"] == "2580"


def test_without_our_runner_the_time_is_the_definitions(
    submission: Submission, batch: BatchDouble
) -> None:
    submit(replace(submission, tasks=TaskSettings(item_timeout_s=60)))
    (request,) = batch.requests
    assert not {"timeout", "shareIdentifier", "schedulingPriorityOverride"} & set(request)


def test_each_job_has_a_share_of_the_queue(submission: Submission, batch: BatchDouble) -> None:
    submit(submission, share="team-A_1", priority=7)
    submit(submission)
    asked, derived = batch.requests
    assert (asked["shareIdentifier"], asked["schedulingPriorityOverride"]) == ("teamA1", 7)
    assert re.fullmatch("j[0-3][0-9]{2}", derived["shareIdentifier"])
    assert derived["schedulingPriorityOverride"] == 0


def test_the_shares_of_many_jobs_are_no_more_than_batch_takes() -> None:
    jobs = [replace(A_JOB, job_id=f"job-{number}") for number in range(3_000)]
    assert 350 < len({share_identifier(job) for job in jobs}) <= 400


@pytest.mark.parametrize("ahead_s", [-3600, -5, 0, 5, 3600])
def test_a_lost_batch_job_is_found_whatever_the_clocks_say(
    jobs: Jobs, submission: Submission, batch: BatchDouble, clock: Clock, ahead_s: float
) -> None:
    """The receiver's clock is not AWS Batch's."""
    job = with_token(jobs, clock, ahead_s)
    batch.faults.append((LOST, True))
    found = submission.submit(job, job.batch_job_specs[0])
    assert (found.id, batch.names()) == ("batch-1", ["demo-1-0"])


def test_a_batch_job_of_an_earlier_job_is_not_taken_for_ours(
    jobs: Jobs, submission: Submission, batch: BatchDouble, clock: Clock
) -> None:
    job = with_token(jobs, clock, -3600)
    spec = job.batch_job_specs[0]
    submission.submit(replace(job, token="f" * 32), spec)
    assert submission.find(job, spec) is None
    assert submission.find(replace(job, token="f" * 32), spec) is not None


def with_token(jobs: Jobs, clock: Clock, ahead_s: float) -> JobRecord:
    clock.now += ahead_s
    job = jobs.queued(items=2)
    clock.now -= ahead_s
    return replace(job, token=TOKEN)
