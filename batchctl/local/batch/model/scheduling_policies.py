"""Fair-share scheduling policies: what weights the shares of a job queue have.

Source: AWS Batch API Reference, "CreateSchedulingPolicy", "FairsharePolicy", "ShareAttributes".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from batchctl.local.batch.api import tags
from batchctl.local.batch.api.errors import RefusedError
from batchctl.local.batch.api.paging import page
from batchctl.local.batch.model.lifecycle import check_name
from batchctl.local.batch.model.scope import Scope

MAX_DECAY_S = 604_800
"""FairsharePolicy: shareDecaySeconds is one week at most."""

MIN_DECAY_S = 600
"""FairsharePolicy: 0 stands for the least time window, 600 seconds."""

MAX_RESERVATION = 99
"""FairsharePolicy: computeReservation is a percentage from 0 to 99."""

MIN_WEIGHT, MAX_WEIGHT = 0.0001, 999.9999
"""ShareAttributes: the bounds of weightFactor."""

MAX_SHARES = 500
"""AWS Batch User Guide, "AWS Batch service quotas": 500 share identifiers in a policy, and as many
that are active in a job queue."""

MAX_DESCRIBED = 100
"""DescribeSchedulingPolicies: at most 100 ARNs."""

_SHARE = re.compile(r"[A-Za-z0-9]{1,255}\*?")
_ZERO: Mapping[str, Any] = {
    "shareDecaySeconds": 0,
    "computeReservation": 0,
    "shareDistribution": [],
}


@dataclass
class SchedulingPolicy:
    """A policy; `fairshare` as it was given, with Batch's defaults."""

    name: str
    arn: str
    tags: dict[str, str]
    fairshare: Mapping[str, Any] = field(default_factory=lambda: _ZERO)

    @property
    def decay_s(self) -> float:
        """The seconds after which what a share has used counts for little."""
        return float(max(self.fairshare["shareDecaySeconds"], MIN_DECAY_S))

    def weight(self, share: str) -> float:
        """Return the weight factor of a share: a lower one gets more."""
        for entry in self.fairshare["shareDistribution"]:
            if _covers(entry["shareIdentifier"], share):
                return float(entry.get("weightFactor", 1.0))
        return 1.0

    def reserved(self, active_shares: int) -> float:
        """Return the part of all vCPUs that is kept for shares that aren't active."""
        return float((self.fairshare["computeReservation"] / 100) ** active_shares)


class SchedulingPolicies:
    """The scheduling policies of the account, by ARN."""

    def __init__(self, scope: Scope, is_used: Callable[[str], bool]) -> None:
        """Keep none yet; `is_used` says whether a job queue has the policy of an ARN."""
        self._scope, self._is_used = scope, is_used
        self._by_arn: dict[str, SchedulingPolicy] = {}

    def create(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Add a policy; RefusedError as Batch refuses."""
        check_name(request["name"], "name")
        arn = self._scope.arn("scheduling-policy", request["name"])
        if arn in self._by_arn:
            raise RefusedError("Object already exists")
        labels = dict(request.get("tags", {}))
        tags.check(labels)
        self._by_arn[arn] = SchedulingPolicy(request["name"], arn, labels, _fairshare(request))
        return {"name": request["name"], "arn": arn}

    def update(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Replace the fair shares of a policy."""
        policy = self.existing(request["arn"])
        if "fairsharePolicy" in request:
            policy.fairshare = _fairshare(request)
        return {}

    def delete(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Remove a policy that no job queue has; quiet when there is none."""
        if self._is_used(request["arn"]):
            raise RefusedError(f"Scheduling policy {request['arn']} is in use by a job queue")
        self._by_arn.pop(request["arn"], None)
        return {}

    def describe(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the policies of the ARNs; unknown ones are passed over."""
        if len(request["arns"]) > MAX_DESCRIBED:
            raise RefusedError(f"At most {MAX_DESCRIBED} policies can be described at once")
        found = [self._by_arn[arn] for arn in request["arns"] if arn in self._by_arn]
        return {"schedulingPolicies": [_detail(policy) for policy in found]}

    def list(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return a page of the ARNs of all policies."""
        return page("schedulingPolicies", [{"arn": arn} for arn in self._by_arn], request)

    def existing(self, arn: str) -> SchedulingPolicy:
        """Return the policy with this ARN; RefusedError when there is none."""
        policy = self._by_arn.get(arn)
        if policy is None:
            raise RefusedError(f"Scheduling policy {arn} does not exist")
        return policy

    def tagged(self, arn: str) -> SchedulingPolicy | None:
        """Return the policy with this ARN, for its tags."""
        return self._by_arn.get(arn)


def check_share(share: str) -> None:
    """Refuse what is no share identifier: letters and digits, and maybe a `*` after them."""
    if not _SHARE.fullmatch(share):
        raise RefusedError(f"shareIdentifier {share!r} is not valid")


def _fairshare(request: Mapping[str, Any]) -> Mapping[str, Any]:
    if "quotaSharePolicy" in request:
        raise RefusedError("The local cloud does not serve quotaSharePolicy")
    fairshare = {**_ZERO, **request.get("fairsharePolicy", {})}
    _check_between(fairshare, "shareDecaySeconds", (0, MAX_DECAY_S))
    _check_between(fairshare, "computeReservation", (0, MAX_RESERVATION))
    shares = fairshare["shareDistribution"]
    if len(shares) > MAX_SHARES:
        raise RefusedError(f"shareDistribution must not have more than {MAX_SHARES} entries")
    for position, entry in enumerate(shares):
        check_share(entry["shareIdentifier"])
        _check_between({"weightFactor": 1.0, **entry}, "weightFactor", (MIN_WEIGHT, MAX_WEIGHT))
        for other in shares[:position]:
            _check_apart(entry["shareIdentifier"], other["shareIdentifier"])
    return fairshare


def _check_between(values: Mapping[str, Any], member: str, bounds: tuple[float, float]) -> None:
    if not bounds[0] <= values[member] <= bounds[1]:
        raise RefusedError(f"{member} must be between {bounds[0]} and {bounds[1]}")


def _check_apart(one: str, other: str) -> None:
    if _covers(one, other.rstrip("*")) or _covers(other, one.rstrip("*")):
        raise RefusedError(f"shareIdentifier {one} and {other} overlap")


def _covers(pattern: str, share: str) -> bool:
    return share.startswith(pattern[:-1]) if pattern.endswith("*") else share == pattern


def _detail(policy: SchedulingPolicy) -> dict[str, Any]:
    return {
        "name": policy.name,
        "arn": policy.arn,
        "fairsharePolicy": dict(policy.fairshare),
        "tags": dict(policy.tags),
    }
