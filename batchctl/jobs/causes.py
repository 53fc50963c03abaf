"""The known causes of waiting and failing, by what AWS Batch says: each with what to do.

Sources: AWS Batch User Guide, "Jobs stuck in a RUNNABLE status" and its pages on capacity and
misconfiguration, "INVALID compute environment", "Automated job retries", "Job timeouts"; Amazon
ECS Developer Guide, "Stopped tasks error messages".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

UP = "`batchctl up` mends it"


@dataclass(frozen=True)
class Cause:
    """A cause, known by a pattern in what Batch says (any case); `{job}` in `fix` is the job."""

    pattern: str
    cause: str
    fix: str


WAITING = (
    Cause(
        "INSUFFICIENT_INSTANCE_CAPACITY",
        "AWS has no such instances to spare now, in these zones",
        "wait, or give Batch more choice: more `compute.instance_types`, subnets in more zones, "
        "`compute.on_demand_fallback: true`",
    ),
    Cause(
        "COMPUTE_ENVIRONMENT_MAX_RESOURCE",
        "a task asks for more vCPUs than `compute.max_vcpus` allows in all",
        "raise `compute.max_vcpus` or lower `compute.vcpus`, then `batchctl up`",
    ),
    Cause(
        "JOB_RESOURCE_REQUIREMENT",
        "no instance of `compute.instance_types` has what a task asks for (a part of an "
        "instance's memory is the system's own)",
        "lower `compute.memory_mib` or `compute.vcpus`, or name larger `compute.instance_types`, "
        "then `batchctl up`; `batchctl cancel` frees the queue of this job",
    ),
    Cause(
        "SERVICE_ROLE_PERMISSIONS",
        "AWS Batch may not do its work: its service-linked role was changed or is missing",
        UP,
    ),
    Cause(
        "EC2_INSTANCE_CONFIGURATION_UNSUPPORTED",
        "the instance types don't exist in the region, or not in the zones of the subnets",
        "name other `compute.instance_types` or subnets, then `batchctl up`",
    ),
    Cause("", "AWS Batch names the reason", "mend what it names; `batchctl plan` shows drift"),
)
INVALID = (
    Cause(
        "assumerole|not authorized|access ?denied",
        "AWS Batch may not use its service-linked role",
        UP,
    ),
    Cause("instance ?profile", "the instance profile is missing or new", UP),
    Cause("security ?group", "the security group is gone", UP),
    Cause(
        "subnet",
        "a subnet is gone or has no free addresses",
        "check `network` in config.yaml, then `batchctl up`",
    ),
    Cause("", "AWS Batch can't use it", "mend what the reason names; `batchctl plan` shows drift"),
)
FAILED = (
    Cause(
        "Cannot(Pull|Inspect)|pull access denied|manifest (for|unknown)",
        "the image could not be pulled: its name is wrong, the registry refuses it, or the "
        "subnets have no way to it",
        "check `compute.image` (the instances must reach it), then `batchctl up` and "
        "`batchctl retry {job}`",
    ),
    Cause(
        "OutOfMemory|exit status 137",
        "the task used more memory than it may have",
        "`batchctl retry {job} --memory …`, and raise `compute.memory_mib` for the next jobs",
    ),
    Cause(
        "exceeded timeout",
        "the task ran longer than `compute.timeout_s`",
        "raise `compute.timeout_s` or lower `compute.items_per_task`, then `batchctl up` and "
        "`batchctl retry {job}`",
    ),
    Cause(
        "Host EC2",
        "Spot took the hosts away, again and again",
        "`batchctl retry {job} --on-demand`, or more `compute.instance_types` to choose from",
    ),
    Cause(
        "cancelled by batchctl",
        "the job was cancelled",
        "`batchctl retry {job}` runs the rest after all",
    ),
    Cause(
        "exec format error|exit status 12[67]|Cannot(Start|Create)Container",
        "the image doesn't have the command, or is of another processor architecture",
        "check `compute.command` and `compute.image`, then `batchctl up` and "
        "`batchctl retry {job}`",
    ),
    Cause(
        "AGENT|DockerTimeout|Task failed to start|ResourceInitialization",
        "the host failed or could not start the container",
        "`batchctl retry {job}`; if it happens again, look at the instances' disks and network",
    ),
    Cause(
        "exit status|Essential container",
        "the program failed: `compute` raised for an item, or the program ended by itself",
        "`batchctl results {job} --failed` and `batchctl logs {job}` say where; mend it, then "
        "`batchctl up` and `batchctl retry {job}`",
    ),
    Cause("", "it is none of the known ones", "`batchctl logs {job}` has what the tasks wrote"),
)


def cause_of(said: str, known: Sequence[Cause]) -> Cause:
    """Return the first known cause whose pattern is in what Batch said; the last fits all."""
    return next(each for each in known if re.search(each.pattern, said, re.IGNORECASE))
