"""The client side of jobs, over HTTP: submit, show, list, wait and results. Prints nothing."""

from batchctl.jobs.client import JobsClient
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
from batchctl.jobs.job import Job, JobPage, JobSummary, Result, Submitted, Tasks

__all__ = [
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
    "Tasks",
    "TooLarge",
    "UnexpectedAnswer",
    "Unreachable",
]
