"""Which subnets compute, load balancer and functions get, from what was asked for and what is.

Sources: Lambda developer guide, "Giving Lambda functions access to resources in an Amazon VPC" (a
function never has a public address); AWS Batch user guide, "Interface VPC endpoints"; Elastic Load
Balancing API reference, CreateLoadBalancer (two zones, one subnet of each).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from batchctl.errors import BatchctlError
from batchctl.resource import Properties
from batchctl.resources.ec2.subnets import (
    ANYWHERE,
    FREE_FOR_LOAD_BALANCER,
    IPV6_ONLY,
    Subnet,
    Vpc,
)

ZONES_OF_LOAD_BALANCER = 2
COMPUTE_ENDPOINTS = "ECS, ECR, S3, CloudWatch Logs and DynamoDB"
FUNCTION_ENDPOINTS = "SQS, DynamoDB and AWS Batch"


@dataclass(frozen=True)
class Placement:
    """The subnets of each; `notes` say what was chosen, and what can go wrong with it."""

    compute: tuple[Subnet, ...]
    load_balancer: tuple[Subnet, ...]
    functions: tuple[Subnet, ...]
    notes: tuple[str, ...]


def choose_subnets(vpc: Vpc, wanted: Properties) -> Placement:
    """Return the subnets of everything in `vpc`; `wanted` are the properties of a Network.

    Raises BatchctlError with what is missing, and what to set or add.
    """
    compute = _with_ipv4(vpc, "compute_subnet_ids", wanted["ComputeSubnetIds"])
    functions = _with_ipv4(vpc, "function_subnet_ids", wanted["FunctionSubnetIds"])
    load_balancer = _given(vpc, "load_balancer_subnet_ids", wanted["LoadBalancerSubnetIds"])
    if wanted["NeedsLoadBalancer"]:
        load_balancer = _checked(vpc, load_balancer) if load_balancer else _one_in_each_zone(vpc)
    notes = (*_compute_warnings(compute), *_function_warnings(functions))
    if not compute:
        compute, note = _chosen_for_compute(vpc)
        notes = (note, *notes)
    notes = (*notes, *_full(compute, "host"), *_full(functions, "function"))
    return Placement(compute, load_balancer, functions, notes)


def listed(names: Iterable[str]) -> str:
    """Return names as a message lists them, each in backticks."""
    return ", ".join(f"`{name}`" for name in names)


def _given(vpc: Vpc, key: str, ids: Sequence[str]) -> tuple[Subnet, ...]:
    """Return the subnets that `network.<key>` names, by zone and id."""
    known = {subnet.id for subnet in vpc.subnets}
    if missing := [each for each in ids if each not in known]:
        raise BatchctlError(
            f"could not use {listed(missing)}: no available subnet of {vpc.name}",
            hint=f"check `network.{key}` and `network.vpc_id` in config.yaml",
        )
    return tuple(subnet for subnet in vpc.subnets if subnet.id in ids)


def _with_ipv4(vpc: Vpc, key: str, ids: Sequence[str]) -> tuple[Subnet, ...]:
    """Return the subnets that `network.<key>` names, none of which may be IPv6-only."""
    given = _given(vpc, key, ids)
    if without := [subnet.id for subnet in given if subnet.cidr is None]:
        raise BatchctlError(
            f"could not use {listed(without)}: {IPV6_ONLY}",
            hint=f"name subnets with IPv4 addresses, dual-stack ones too, in `network.{key}`",
        )
    return given


def _chosen_for_compute(vpc: Vpc) -> tuple[tuple[Subnet, ...], str]:
    """Return the private subnets with a way out, else the public ones, and say which."""
    regular = [subnet for subnet in vpc.subnets if subnet.is_regular and subnet.cidr]
    if private := tuple(subnet for subnet in regular if subnet.has_way_out):
        return private, f"compute runs in {_count(private, 'private subnet')} of {vpc.name}"
    public = tuple(each for each in regular if each.is_public and each.assigns_addresses)
    if not public:
        raise _no_way_out(vpc)
    return public, (
        f"compute runs in {_count(public, 'public subnet')} of {vpc.name}: "
        "it has no private subnets with a route out"
    )


def _no_way_out(vpc: Vpc) -> BatchctlError:
    with_ipv4 = [subnet for subnet in vpc.subnets if subnet.cidr]
    public = [subnet for subnet in with_ipv4 if subnet.is_regular and subnet.is_public]
    why = f"none of its subnets ({len(with_ipv4)}) has a route {ANYWHERE}"
    if vpc.subnets and not with_ipv4:
        why = f"none of its subnets ({len(vpc.subnets)}) has IPv4 addresses"
    elif not vpc.subnets:
        why = "it has no available subnets"
    elif public:
        why = f"none of its public subnets ({len(public)}) assigns public IPv4 addresses"
    return BatchctlError(
        f"could not find subnets for compute in {vpc.name}: {why}",
        hint=f"give a private subnet a route {ANYWHERE} to a NAT gateway, or let public subnets "
        "assign public IPv4 addresses, or set `network.compute_subnet_ids` in config.yaml",
    )


def _one_in_each_zone(vpc: Vpc) -> tuple[Subnet, ...]:
    """Return for the load balancer a public subnet of each zone, the first that has room for it."""
    suitable = [subnet for subnet in vpc.subnets if subnet.keeps_out_load_balancer is None]
    chosen = _first_of_each_zone(suitable)
    if not all(map(_has_room, chosen)):
        chosen = _first_of_each_zone(_with_room(vpc, suitable))
    if len(chosen) < ZONES_OF_LOAD_BALANCER:
        zones = [subnet.zone for subnet in chosen]
        raise BatchctlError(
            f"could not find subnets for the load balancer in {vpc.name}: it needs public ones in "
            f"{ZONES_OF_LOAD_BALANCER} zones{_and_room(suitable)}, there are some "
            f"{f'only in {listed(zones)}' if zones else 'in none'}",
            hint=f"add a public subnet (route {ANYWHERE} to an internet gateway, /27 or larger) "
            "in another zone, or set `network.vpc_id` in config.yaml",
        )
    return chosen


def _first_of_each_zone(subnets: Sequence[Subnet]) -> tuple[Subnet, ...]:
    first = {subnet.zone: subnet for subnet in reversed(subnets)}
    return tuple(first[zone] for zone in sorted(first))


def _has_room(subnet: Subnet) -> bool:
    return subnet.free >= FREE_FOR_LOAD_BALANCER


def _with_room(vpc: Vpc, subnets: Sequence[Subnet]) -> list[Subnet]:
    """Return the subnets that have room for the load balancer, and where it stands already.

    Its own addresses are among those that are taken: it doesn't move because of them. So in each
    zone the subnet in which it stands comes first.
    """
    present = vpc.has_load_balancer_in()
    usable = [each for each in subnets if _has_room(each) or each.id in present]
    return sorted(usable, key=lambda each: (each.zone, each.id not in present, each.id))


def _and_room(suitable: Sequence[Subnet]) -> str:
    if all(map(_has_room, suitable)):
        return ""
    return f" with {FREE_FOR_LOAD_BALANCER} free addresses each"


def _checked(vpc: Vpc, subnets: tuple[Subnet, ...]) -> tuple[Subnet, ...]:
    """Return the load balancer's subnets when it can stand in them."""
    for subnet in subnets:
        if why := subnet.keeps_out_load_balancer:
            raise _unsuitable(f"`{subnet.id}`", why)
    if full := [each for each in subnets if not _has_room(each)]:
        present = vpc.has_load_balancer_in()
        for subnet in full:
            if subnet.id not in present:
                why = f"{subnet.free} of its addresses are free, {FREE_FOR_LOAD_BALANCER} must be"
                raise _unsuitable(f"`{subnet.id}`", why)
    zones = [subnet.zone for subnet in subnets]
    if len(zones) < ZONES_OF_LOAD_BALANCER or len(set(zones)) < len(zones):
        why = f"it takes one subnet in each of {ZONES_OF_LOAD_BALANCER} zones or more"
        raise _unsuitable(", ".join(f"`{each.id}` ({each.zone})" for each in subnets), why)
    return subnets


def _unsuitable(what: str, why: str) -> BatchctlError:
    return BatchctlError(
        f"could not use {what} for the load balancer: {why}",
        hint="change `network.load_balancer_subnet_ids` in config.yaml, or leave it out",
    )


def _compute_warnings(given: Sequence[Subnet]) -> Iterator[str]:
    stuck = [
        subnet.id
        for subnet in given
        if not (subnet.has_way_out or (subnet.is_public and subnet.assigns_addresses))
    ]
    if stuck:
        yield (
            f"compute in {listed(stuck)} has no way out: it needs VPC endpoints for "
            f"{COMPUTE_ENDPOINTS}, or its jobs stay RUNNABLE"
        )


def _function_warnings(given: Sequence[Subnet]) -> Iterator[str]:
    stuck = [subnet.id for subnet in given if not subnet.has_way_out]
    if stuck:
        yield (
            f"functions in {listed(stuck)} have no way out (they get no public addresses): they "
            f"need VPC endpoints for {FUNCTION_ENDPOINTS}, or their calls time out"
        )


def _full(subnets: Sequence[Subnet], what: str) -> Iterator[str]:
    if full := [subnet.id for subnet in subnets if subnet.free == 0]:
        yield f"{listed(full)} has no free addresses: no further {what} can start there"


def _count(subnets: Sequence[Subnet], what: str) -> str:
    return f"{len(subnets)} {what}{'' if len(subnets) == 1 else 's'}"
