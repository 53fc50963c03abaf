"""Records are read from items as they were written, and what isn't one is malformed."""

from __future__ import annotations

from typing import Any

import pytest

from batchctl.contract import job_record, result_record
from batchctl.contract.batch_jobs import BatchJob
from batchctl.contract.control import Overrides
from batchctl.contract.fields import MalformedItemError
from batchctl.contract.job_record import JobRecord
from batchctl.contract.result_record import ResultRecord
from batchctl.contract.statuses import ItemStatus, Status
from batchctl.contract.table import chunk_key, chunk_of, number

JOB = JobRecord(
    "demo-1", Status.QUEUED, "2026-09-21T14:13:20.000000Z", 5, 2, "hash", expires_at=1_800_000_000
)


def test_a_new_job_is_read_as_it_was_written() -> None:
    assert job_record.from_item(job_record.new_item(JOB)) == JOB


def test_a_run_from_the_second_on_has_its_number_its_items_and_its_overrides() -> None:
    batch_jobs = (BatchJob("id-1", 0, 2),)
    item = job_record.new_item(JOB) | {
        "attempt": number(2),
        "attempt_items": number(3),
        "batch_jobs": job_record.batch_jobs_value(batch_jobs),
        "overrides": job_record.overrides_value(Overrides(4096, on_demand=True)),
    }
    job = job_record.from_item(item)
    assert (job.run, job.items_to_do, job.tasks) == (2, 3, 2)
    assert (job.batch_jobs, job.overrides) == (batch_jobs, Overrides(4096, on_demand=True))
    assert [spec.name for spec in job.batch_job_specs] == ["demo-1-0-r2"]


@pytest.mark.parametrize(
    "record",
    [
        ResultRecord("A", ItemStatus.SUCCEEDED, result='{"a":1}', attempts=1, seconds=0.125),
        ResultRecord("A#B", ItemStatus.FAILED, error="no", reason="EXIT_CODE", exit_code=3),
        ResultRecord("", ItemStatus.SUCCEEDED),
    ],
)
def test_a_result_is_read_as_it_was_written(record: ResultRecord) -> None:
    item = record.as_item("demo-1", 1_800_000_000)
    assert item["expires_at"] == {"N": "1800000000"}
    assert result_record.from_item(item) == record
    assert "expires_at" not in record.as_item("demo-1", None)


@pytest.mark.parametrize(
    "attributes",
    [
        {"status": {"S": "RUNNING"}},
        {"status": {"L": []}},
        {"seconds": {"N": "NaN"}},
        {"attempts": {"N": "1.5"}},
        {"reason": {"S": "because"}},
        {"result": {"N": "1"}},
    ],
)
def test_a_result_that_says_something_else_is_malformed(attributes: dict[str, Any]) -> None:
    item = ResultRecord("A", ItemStatus.SUCCEEDED).as_item("demo-1", None) | attributes
    with pytest.raises(MalformedItemError, match=f"`{next(iter(attributes))}`"):
        result_record.from_item(item)


@pytest.mark.parametrize("run", [1, 2, 99])
def test_the_key_of_a_chunk_says_which_one_it_is(run: int) -> None:
    assert chunk_of(chunk_key(7, run), run) == 7
    assert chunk_of("UNIVERSE#seven", run) is None
    assert chunk_of(chunk_key(7, 3), run) is None
