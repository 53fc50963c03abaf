"""The environment variables that `up` and the splitter set, and functions and container read.

The container's begin with `BATCHCTL_`: config.yaml may not set such ones of its own. Those of a
task come with its Batch job, the others with the job definition.
"""

from __future__ import annotations

PREFIX = "BATCHCTL_"
"""What the names of the container's variables begin with."""
REGION_VARIABLES = ("AWS_DEFAULT_REGION", "AWS_REGION")
"""Where SDKs find their region; the job definition sets both."""


class Container:
    """The variables of the compute container."""

    TABLE = "BATCHCTL_TABLE"
    TRIES = "BATCHCTL_RETRIES"
    """Calls of compute for an item in all; the name is from before it was called tries."""
    JOB_ID = "BATCHCTL_JOB_ID"
    RUN = "BATCHCTL_ATTEMPT"
    """Which run of the job this is; the name is from before it was called a run."""
    FIRST_TASK = "BATCHCTL_FIRST_TASK"
    ITEMS_PER_TASK = "BATCHCTL_ITEMS_PER_TASK"
    ARRAY_INDEX = "AWS_BATCH_JOB_ARRAY_INDEX"
    """AWS Batch User Guide, "Environment variables": in the children of array jobs alone."""


class Function:
    """The variables of the functions; none has all of them."""

    TABLE = "TABLE"
    QUEUE_URL = "QUEUE_URL"
    ITEMS_PER_TASK = "ITEMS_PER_TASK"
    JOB_QUEUE = "JOB_QUEUE"
    JOB_QUEUE_ON_DEMAND = "JOB_QUEUE_ON_DEMAND"
    JOB_DEFINITION = "JOB_DEFINITION"
    STACK = "STACK"
    """The name that Batch jobs are marked with."""
    KEEP_DAYS = "KEEP_DAYS"
    """Where it is missing, jobs are kept for ever."""


def of_container(environment: list[dict[str, str]] | None) -> dict[str, str]:
    """Return our variables out of those of a Batch job (`[{"name": …, "value": …}]`)."""
    found = {entry["name"]: entry["value"] for entry in environment or ()}
    return {name: value for name, value in found.items() if name.startswith(PREFIX)}
