"""Where the local Batch stands: account, region and the ARNs that follow from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Clock = Callable[[], float]
"""Seconds since 1970, as `time.time` gives them; tests pass their own."""


@dataclass(frozen=True)
class Scope:
    """One account in one region. The emulator writes every ARN in partition `aws`, and so do we."""

    region: str
    account: str
    partition: str = "aws"

    def arn(self, kind: str, name: str) -> str:
        """Return the ARN of a resource of this `kind`, such as `job-queue`."""
        return f"arn:{self.partition}:batch:{self.region}:{self.account}:{kind}/{name}"

    @property
    def service_role(self) -> str:
        """The ARN of Batch's service-linked role, which works where a request names no role."""
        path = "aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch"
        return f"arn:{self.partition}:iam::{self.account}:role/{path}"


def name_of(reference: str) -> str:
    """Return the name in `reference`, which Batch accepts as a name or as a full ARN everywhere."""
    return reference.rpartition("/")[2] if reference.startswith("arn:") else reference


def milliseconds(seconds: float) -> int:
    """Return a time as Batch's API writes it: milliseconds since 1970."""
    return int(seconds * 1000)
