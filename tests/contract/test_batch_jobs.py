"""The Batch jobs of a job: their names say whose they are, and every task is in exactly one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchctl.contract.batch_jobs import (
    MAX_CHILDREN,
    BatchJob,
    BatchJobName,
    split_into_batch_jobs,
    task_id,
)
from batchctl.contract.limits import JOB_ID
from batchctl.contract.slices import Slices

job_ids = st.from_regex(JOB_ID, fullmatch=True) | st.sampled_from(
    ["a", "a-0", "a-r2", "a-0-r2", "a-r2-0", "a-0-r2-0", "a-0-r2-0-r3"]
)
runs = st.integers(1, 99)
names = st.builds(BatchJobName, job_ids, st.integers(0, 99), runs)


@given(names)
def test_a_name_is_read_as_it_was_written(name: BatchJobName) -> None:
    assert BatchJobName.parse(str(name)) == name


@given(names, names)
def test_no_two_batch_jobs_have_the_same_name(one: BatchJobName, other: BatchJobName) -> None:
    assert (str(one) == str(other)) == (one == other)


@given(names)
def test_a_name_is_one_that_aws_batch_takes(name: BatchJobName) -> None:
    # AWS Batch API reference, SubmitJob: up to 128 letters, digits, hyphens, underscores.
    assert len(str(name)) <= 128
    assert str(name)[0].isalnum()


@pytest.mark.parametrize("name", ["", "demo", "demo-x", "demo-0-r", "-0", "demo-0-rx"])
def test_the_name_of_somebody_elses_batch_job_says_nothing(name: str) -> None:
    assert BatchJobName.parse(name) is None


@given(st.integers(1, 1_000_000), st.integers(1, 10_000), runs)
def test_the_tasks_of_a_run_are_all_submitted_each_once(
    items: int, items_per_task: int, run: int
) -> None:
    slices = Slices(items, items_per_task)
    specs = split_into_batch_jobs("demo", run, slices)
    assert sum(spec.tasks for spec in specs) == slices.tasks == -(-items // items_per_task)
    assert all(1 <= spec.tasks <= MAX_CHILDREN for spec in specs)
    starts = [spec.first_task for spec in specs]
    assert starts == [sum(each.tasks for each in specs[:at]) for at in range(len(specs))]
    assert slices.task_of(items - 1) == slices.tasks - 1


def test_a_task_is_the_child_of_its_array_or_a_plain_job() -> None:
    batch_jobs = (BatchJob("array", 0, 10_000), BatchJob("single", 10_000, 1))
    assert task_id(batch_jobs, 9_999) == "array:9999"
    assert task_id(batch_jobs, 10_000) == "single"
    assert task_id(batch_jobs, 10_001) is None
    assert dict(batch_jobs[1].task_ids) == {10_000: "single"}
