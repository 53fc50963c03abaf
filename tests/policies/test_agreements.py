"""What policies say of tags and attributes is what the code in the account works with."""

from __future__ import annotations

from batchctl.aws.tags import STACK_TAG
from batchctl.runner import job_table
from batchctl.stack.permissions import JOB_TAG, READ_ATTRIBUTES, RESULT_ATTRIBUTES
from handlers.batch import submission


def test_jobs_are_submitted_with_the_tags_that_policies_ask_for() -> None:
    assert (submission.STACK_TAG, submission.JOB_TAG) == (STACK_TAG, JOB_TAG)


def test_a_container_may_write_every_attribute_of_a_result() -> None:
    outcomes = (
        job_table.Outcome("{}", None, 1, 0.1),
        job_table.Outcome(None, "no price", 3, 0.1),
    )
    written = {name for each in outcomes for name in job_table.result_record("demo-1", "A", each)}
    assert written <= set(RESULT_ATTRIBUTES)


def test_a_container_may_write_nothing_by_which_a_job_is_known_or_listed() -> None:
    of_jobs = {"listing", "created_at", "content_hash", "batch_jobs", "items", "tasks"}
    assert not of_jobs & set(RESULT_ATTRIBUTES)
    assert not {"result", "error", "content_hash"} & set(READ_ATTRIBUTES)
