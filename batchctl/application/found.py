"""What is deployed, where no state here knows it: found by name and mark, kept in memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError

from batchctl import stack
from batchctl.application.front_door import (
    EXECUTE_ROLE,
    LISTENER,
    LOAD_BALANCER,
    STAGE,
    behind_each_door,
)
from batchctl.application.job_resources import (
    DEAD_LETTERS,
    EVENT_DEAD_LETTERS,
    LOG_GROUP,
    QUEUE,
    TABLE,
    TRACKER,
)
from batchctl.aws.errors import explain
from batchctl.aws.session import Aws
from batchctl.aws.tags import ORIGIN_TAG
from batchctl.config import Config
from batchctl.contract.front_doors import FRONT_DOORS
from batchctl.engine.discovery import Discovery, discover
from batchctl.engine.state import State, StateIdentity, StateRecord
from batchctl.errors import BatchctlError
from batchctl.packaging import Package
from batchctl.resource import Actual, Resource
from batchctl.resources.apigateway.rest_apis import is_signed
from batchctl.resources.awslambda.application import Application
from batchctl.resources.ec2.security_groups import networks_let_in
from batchctl.resources.elbv2.listeners import listener_of

REST_API = "rest_api.api"
# Where callers arrive, in a VPC or not.
_ENTRIES = {True: LOAD_BALANCER, False: REST_API}
DOORS = frozenset({LOAD_BALANCER, REST_API, STAGE, EXECUTE_ROLE, TRACKER})
"""What says how the API is called, and what JobTracker says of the whole."""
JOBS = frozenset({TABLE, LOG_GROUP, TRACKER, QUEUE, DEAD_LETTERS, EVENT_DEAD_LETTERS})
JOB_KINDS = frozenset({"job_queue", "compute_environment"})
# Names are all that is used of the resources here: no image and no code is looked at.
_NO_IMAGE, _NO_CODE = "none:none", Package(b"", "")


@dataclass(frozen=True)
class Found:
    """What is deployed, as a state that is written nowhere, and what couldn't be read of it."""

    state: State
    failed: Mapping[str, BaseException] = field(default_factory=dict)


@contextmanager
def asked() -> Iterator[None]:
    """Raise what keeps AWS from being asked (no such profile, no network) as BatchctlError."""
    try:
        yield
    except BotoCoreError as error:
        message, hint = explain(error)
        raise BatchctlError(message, hint) from error


def find_deployed(aws: Aws, config: Config, *, doors_only: bool = False) -> Found:
    """Return what this account and region have of the stack, whatever front door it has.

    Raises the first error where nothing could be read.
    """
    identity = StateIdentity(aws.stack, aws.account, aws.region)
    addresses = DOORS if doors_only else DOORS | JOBS
    wanted = _resources(config, addresses, frozenset() if doors_only else JOB_KINDS)
    found = discover(wanted, aws, State(identity))
    if found.failed and not found.records:
        raise next(iter(found.failed.values()))
    return Found(_state(aws, identity, found), found.failed)


def _resources(
    config: Config, addresses: Collection[str], kinds: Collection[str]
) -> tuple[Resource[Any], ...]:
    """Return the resources of these addresses and kinds, those of either front door among them."""
    built = (
        stack.build(each, image=_NO_IMAGE, package=_NO_CODE) for each in behind_each_door(config)
    )
    wanted = {
        each.address: each
        for resources in built
        for each in resources
        if each.address in addresses or each.kind in kinds
    }
    return tuple(wanted.values())


def _state(aws: Aws, identity: StateIdentity, found: Discovery) -> State:
    balancer, tracker = found.actual.get(LOAD_BALANCER), found.actual.get(TRACKER)
    said = Application.of(tracker.tags) if tracker else None
    records = dict(found.records)
    listener = listener_of(aws, balancer.outputs.arn) if balancer else None
    if listener is not None:
        outputs = dataclasses.asdict(listener)
        records[LISTENER] = StateRecord("listener", "api", outputs=outputs)
    origins = (each.tags.get(ORIGIN_TAG) for each in found.actual.values())
    mode = _mode(found, said)
    return State(
        identity,
        api_mode=mode,
        api_auth=_auth(mode, found.actual.get(REST_API)),
        api_cidrs=networks_let_in(aws, balancer.properties["SecurityGroups"])
        if balancer and mode and FRONT_DOORS[mode].in_vpc
        else None,
        api_scheme=listener.scheme if listener else None,
        resources=records,
        origin=next(filter(None, origins), None),
        version=said.version if said else None,
        protected=said is not None and said.protected,
    )


def _mode(found: Discovery, said: Application | None) -> str | None:
    """Return the front door that is there; of two, while one replaces the other, the said one."""
    entries = {each.mode: _ENTRIES[each.in_vpc] for each in FRONT_DOORS.values()}
    there = [mode for mode, address in entries.items() if address in found.records]
    if len(there) > 1 and said is not None and said.door.partition(" ")[0] in there:
        return said.door.partition(" ")[0]
    return next(iter(there), None)


def _auth(mode: str | None, api: Actual[Any] | None) -> str | None:
    if mode is None:
        return None
    checks = api is not None and not FRONT_DOORS[mode].in_vpc and is_signed(api.properties)
    return "iam" if checks else "none"
