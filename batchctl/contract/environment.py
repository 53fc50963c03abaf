"""The environment variables that `up` and the splitter set, and functions and container read.

The container's begin with `BATCHCTL_`: config.yaml may not set such ones of its own. Those of a
task come with its Batch job, the others with the job definition.
"""

from __future__ import annotations

from enum import IntEnum

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
    FIRST_ITEM = "BATCHCTL_FIRST_ITEM"
    """Item of the run's universe at which the array's first child begins; where it is missing,
    FIRST_TASK x ITEMS_PER_TASK."""
    ITEMS_PER_TASK = "BATCHCTL_ITEMS_PER_TASK"
    ITEMS_PER_CHUNK = "BATCHCTL_ITEMS_PER_CHUNK"
    """Items in each chunk of the universe; where it is missing, 250."""
    PROCESSES = "BATCHCTL_PROCESSES"
    """Items that the runner works on at a time."""
    ITEM_TIMEOUT_S = "BATCHCTL_ITEM_TIMEOUT_S"
    """Seconds that an item may take, all its tries together."""
    ATTEMPT_S = "BATCHCTL_ATTEMPT_S"
    """Seconds after which AWS Batch ends the container."""
    MEMORY_EVENTS = "BATCHCTL_MEMORY_EVENTS"
    """File with the counters of the container's cgroup (`memory.events`), where it isn't at its
    usual place: the local cloud counts without a cgroup."""
    ARRAY_INDEX = "AWS_BATCH_JOB_ARRAY_INDEX"
    """AWS Batch User Guide, "Environment variables": in the children of array jobs alone."""


class RunnerExit(IntEnum):
    """What the runner's exit status says, but for those of signals."""

    ALL_SUCCEEDED = 0
    SOME_FAILED = 1
    USAGE = 2
    TABLE = 3
    """It could not use the job table."""


class Function:
    """The variables of the functions; none has all of them."""

    TABLE = "TABLE"
    QUEUE_URL = "QUEUE_URL"
    ITEMS_PER_TASK = "ITEMS_PER_TASK"
    """Missing: chosen for each job by the number of its items and AT_ONCE."""
    AT_ONCE = "AT_ONCE"
    """Tasks that can run at once."""
    PROCESSES = "PROCESSES"
    """Items that a task works on at a time."""
    ITEM_TIMEOUT_S = "ITEM_TIMEOUT_S"
    RUNNER = "RUNNER"
    """`1` where the image has our runner: what it recorded is what happened, whatever the exit
    status says."""
    MEMORY_SIZES = "MEMORY_SIZES"
    """The sizes of `compute.memory_mib`, comma-separated, in MiB, in rising order."""
    SHARES = "SHARES"
    """`1` where the job queues are shared fairly: every Batch job then names its share."""
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
