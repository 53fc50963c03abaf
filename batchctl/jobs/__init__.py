"""The client side of jobs: over HTTP to submit, show, watch and read them, in AWS for the rest."""

from batchctl.jobs.api.client import JobsClient
from batchctl.jobs.api.job import Counts, Job, JobPage, JobSummary, Result, Submitted
from batchctl.jobs.errors import (
    Forbidden,
    InvalidJob,
    JobConflict,
    JobNotFound,
    StillRunning,
    TooLarge,
    UnexpectedAnswer,
    Unreachable,
)

__all__ = [
    "Counts",
    "Forbidden",
    "InvalidJob",
    "Job",
    "JobConflict",
    "JobNotFound",
    "JobPage",
    "JobSummary",
    "JobsClient",
    "Result",
    "StillRunning",
    "Submitted",
    "TooLarge",
    "UnexpectedAnswer",
    "Unreachable",
]
