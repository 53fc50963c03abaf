"""The life that compute environments and job queues share: how long each status of theirs lasts.

CREATING, UPDATING and DELETING pass by themselves, and meanwhile Batch refuses every change. VALID
and INVALID stay. DELETED is what Batch may still show of something that is gone. Source: AWS Batch
API Reference, ComputeEnvironmentDetail and JobQueueDetail.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from batchctl.aws.errors import NotReady
from batchctl.aws.session import Aws
from batchctl.aws.waiting import Pending
from batchctl.resource import require_owned

Description = Mapping[str, Any]
Describe = Callable[[], Description | None]

PASSING = frozenset({"CREATING", "UPDATING", "DELETING"})
# A compute environment takes about 40 s; the first of an account makes the service-linked roles.
USABLE_WITHIN_S = 900.0
# An infrastructure update lets running jobs go on for 30 minutes, then ends them (AWS Batch API
# Reference, UpdatePolicy), and replaces the instances.
SETTLED_WITHIN_S = 3600.0
# Batch terminates the instances and removes what it made for them.
GONE_WITHIN_S = 1800.0


def only(found: list[Any]) -> Description | None:
    """Return the one thing that was asked for; None when it is absent or DELETED."""
    return next((each for each in found if each["status"] != "DELETED"), None)


def wait_until_settled(aws: Aws, what: str, describe: Describe) -> Description | None:
    """Return the description once no status passes any more; None when it is absent or gone."""

    def check() -> tuple[Description | None] | Pending:
        found = describe()
        passing = found is not None and found["status"] in PASSING
        return Pending(found["status"]) if found and passing else (found,)

    doing = f"AWS Batch to finish the current change of {what}"
    return aws.wait_until(doing, check, timeout_s=SETTLED_WITHIN_S)[0]


def read_settled(
    aws: Aws, what: str, describe: Describe
) -> tuple[Description, Mapping[str, str], tuple[str, ...]] | None:
    """Return the settled description, its tags, and a note that says why it is INVALID, if it is.

    None when it is absent. Raises NotOwned when its tags are another's.
    """
    found = wait_until_settled(aws, what, describe)
    if found is None:
        return None
    tags = found.get("tags", {})
    require_owned(aws, what, tags)
    notes = (f"INVALID: {reason_of(found)}",) if found["status"] == "INVALID" else ()
    return found, tags, notes


def wait_until_valid(
    aws: Aws,
    what: str,
    describe: Describe,
    repair: Callable[[Description], None],
    *,
    within_s: float,
) -> Description:
    """Return the description once it is VALID.

    `repair` is called with an INVALID one: it starts its repair, or raises.
    """

    def check() -> tuple[Description] | Pending | None:
        found = describe()
        if found is None:
            return None
        if found["status"] == "VALID":
            return (found,)
        if found["status"] not in PASSING:
            repair(found)
        return Pending(found["status"])

    return aws.wait_until(f"{what} to become VALID", check, timeout_s=within_s)[0]


def wait_until_gone(aws: Aws, what: str, describe: Describe) -> None:
    """Wait until nothing is left; NotReady with Batch's reason when it gives the deletion up."""
    seen: set[str] = set()

    def check() -> bool | Pending:
        found = describe()
        if found is None:
            return True
        seen.add(found["status"])
        if "DELETING" in seen and found["status"] != "DELETING":
            raise NotReady(f"could not delete {what}: {reason_of(found)}")
        return Pending(found["status"])

    aws.wait_until(f"AWS Batch to delete {what}", check, timeout_s=GONE_WITHIN_S)


def reason_of(found: Description) -> str:
    """Return Batch's reason for the status that something has."""
    return str(found.get("statusReason") or f"it is {found['status']} without a reason")
