"""What AWS Batch says of Batch jobs: DescribeJobs, for however many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from batchctl.contract.batch_jobs import IDS_PER_CALL

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient
    from mypy_boto3_batch.type_defs import JobDetailTypeDef


def describe(batch: BatchClient, ids: Sequence[str]) -> dict[str, JobDetailTypeDef]:
    """Return what Batch knows of these jobs, by id; one that it has forgotten is left out."""
    starts = range(0, len(ids), IDS_PER_CALL)
    answers = (batch.describe_jobs(jobs=ids[at : at + IDS_PER_CALL]) for at in starts)
    return {detail["jobId"]: detail for answer in answers for detail in answer["jobs"]}
