"""The known causes of waiting, by what AWS Batch says: each with what to do.

Why tasks failed is known by `batchctl.contract.reasons`, as it is recorded in the table, too.

Sources: AWS Batch User Guide, "Jobs stuck in a RUNNABLE status" and its pages on capacity and
misconfiguration, "INVALID compute environment".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

UP = "`batchctl up` fixes this"


@dataclass(frozen=True)
class Cause:
    """A cause, known by a pattern in what Batch says (any case); `fix` says what to do.

    `is_size`: the task asks for more than there can be.
    """

    pattern: str
    cause: str
    fix: str
    is_size: bool = False


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
        is_size=True,
    ),
    Cause(
        "JOB_RESOURCE_REQUIREMENT",
        "no instance of `compute.instance_types` has what a task asks for (a part of an "
        "instance's memory is the system's own)",
        "lower `compute.memory_mib` or `compute.vcpus`, or name larger `compute.instance_types`, "
        "then `batchctl up`; `batchctl cancel` frees the queue of this job",
        is_size=True,
    ),
    Cause(
        "SERVICE_ROLE_PERMISSIONS",
        "AWS Batch lacks permissions: its service-linked role was changed or is missing",
        UP,
    ),
    Cause(
        "EC2_INSTANCE_CONFIGURATION_UNSUPPORTED",
        "the instance types don't exist in the region, or not in the zones of the subnets",
        "name other `compute.instance_types` or subnets, then `batchctl up`",
    ),
    Cause("", "AWS Batch names the reason", "fix what it names; `batchctl plan` shows drift"),
)
INVALID = (
    Cause(
        "assumerole|not authorized|access ?denied",
        "AWS Batch lacks permission to use its service-linked role",
        UP,
    ),
    Cause("instance ?profile", "the instance profile is missing or new", UP),
    Cause("security ?group", "the security group is gone", UP),
    Cause(
        "subnet",
        "a subnet is gone or has no free addresses",
        "check `network` in config.yaml, then `batchctl up`",
    ),
    Cause("", "AWS Batch can't use it", "fix what the reason names; `batchctl plan` shows drift"),
)


def cause_of(said: str, known: Sequence[Cause]) -> Cause:
    """Return the first known cause whose pattern is in what Batch said; the last fits all."""
    return next(each for each in known if re.search(each.pattern, said, re.IGNORECASE))
