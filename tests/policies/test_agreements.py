"""What policies say of tags and attributes is what the code in the account works with."""

from __future__ import annotations

from batchctl.aws.tags import STACK_TAG
from batchctl.contract.progress import ProgressRecord
from batchctl.contract.result_record import ResultRecord
from batchctl.contract.statuses import ItemStatus
from batchctl.runner import job_table
from batchctl.stack.permissions import (
    JOB_TAG,
    PROGRESS_ATTRIBUTES,
    READ_ATTRIBUTES,
    RESULT_ATTRIBUTES,
    SUBMISSION_TAG,
)
from handlers.batch import submission


def test_jobs_are_submitted_with_the_tags_that_policies_ask_for() -> None:
    ours = (submission.STACK_TAG, submission.JOB_TAG, submission.SUBMISSION_TAG)
    assert ours == (STACK_TAG, JOB_TAG, SUBMISSION_TAG)


def test_a_container_may_write_every_attribute_of_a_result() -> None:
    outcomes = (
        job_table.Outcome("{}", None, 1, 0.1),
        job_table.Outcome(None, "no price", 3, 0.1),
    )
    written = {name for each in outcomes for name in job_table.result_record("demo-1", "A", each)}
    assert written <= set(RESULT_ATTRIBUTES)
    status = ItemStatus.FAILED
    record = ResultRecord("A", status, "{}", "no", "TIMEOUT", 1, 1, 0.1, 9.5, "SIGKILL")
    assert set(record.as_item("demo-1#RESULTS", 1)) == set(RESULT_ATTRIBUTES)


def test_a_container_may_write_its_progress_and_no_more_there() -> None:
    assert set(ProgressRecord(1, 0, b"").as_item("demo-1", 1)) == set(PROGRESS_ATTRIBUTES)


def test_a_container_may_write_nothing_by_which_a_job_is_known_or_listed() -> None:
    of_jobs = {"listing", "created_at", "content_hash", "batch_jobs", "items", "tasks"}
    assert not of_jobs & set(RESULT_ATTRIBUTES)
    assert not {"result", "error", "content_hash"} & set(READ_ATTRIBUTES)
