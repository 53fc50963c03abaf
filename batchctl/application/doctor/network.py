"""Checks of the network: VPC and subnets, free addresses, the way to AWS's services."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from batchctl.application.doctor.findings import Check, Finding, ok, problem, warning
from batchctl.resource import Deployed
from batchctl.resources.ec2.network import Network, NetworkOutputs
from batchctl.stack.compute import build_network

if TYPE_CHECKING:
    from batchctl.application.building import BuildableApplication

INTERFACES = ("ecr.api", "ecr.dkr", "ecs", "ecs-agent", "ecs-telemetry", "logs")
GATEWAYS = ("s3", "dynamodb")
"""Amazon ECS and Amazon ECR developer guides, "Interface VPC endpoints"; layers lie in S3."""

RESERVED = 8
"""Elastic Load Balancing user guide, "Subnets": 8 free addresses in each of its subnets."""


def network(application: BuildableApplication) -> Iterator[Finding]:
    """Look up VPC and subnets as `up` does, and how many addresses are free in them."""
    found, notes = _looked_up(application)
    yield ok(f"VPC `{found.id}`: {'; '.join(notes) or 'its subnets are as config.yaml says'}")
    free = _free_addresses(application, found)
    machines = sum(free[each] for each in found.compute_subnet_ids)
    wanted = application.config.compute.max_vcpus // max(1, application.config.compute.vcpus)
    if machines == 0:
        yield problem(
            "the subnets of the compute machines have no free address",
            "add a subnet, or name others (`network.compute_subnet_ids`): jobs would stay RUNNABLE",
        )
    elif machines < min(wanted, 64):
        yield warning(
            f"the subnets of the compute machines have {machines} free addresses",
            f"with `max_vcpus` up to {wanted} machines may run: name larger subnets",
        )
    else:
        yield ok(f"{machines:,} free addresses for compute machines")
    full = [each for each in found.load_balancer_subnet_ids if free[each] < RESERVED]
    if full:
        yield problem(
            f"the load balancer needs {RESERVED} free addresses in {', '.join(full)}",
            "name other subnets (`network.load_balancer_subnet_ids`)",
        )


def _looked_up(application: BuildableApplication) -> tuple[NetworkOutputs, tuple[str, ...]]:
    wanted = build_network(application.config)
    actual = Network.read(application.aws, None, wanted.desired(Deployed(application.aws)))
    return actual.outputs, actual.notes


def _free_addresses(application: BuildableApplication, found: NetworkOutputs) -> dict[str, int]:
    ids = {*found.compute_subnet_ids, *found.load_balancer_subnet_ids, *found.function_subnet_ids}
    answer = application.aws.ec2.describe_subnets(SubnetIds=sorted(ids))
    return {each["SubnetId"]: each.get("AvailableIpAddressCount", 0) for each in answer["Subnets"]}


def way_out(application: BuildableApplication) -> Iterator[Finding]:
    """Look whether the compute machines reach what they need, by a route or by endpoints."""
    found, notes = _looked_up(application)
    if not any("no way out" in note for note in notes):
        yield ok("the compute machines have a route to AWS's services")
        return
    there = _endpoints(application, found.id)
    region = application.aws.region
    absent = [
        each for each in (*INTERFACES, *GATEWAYS) if f"com.amazonaws.{region}.{each}" not in there
    ]
    if absent:
        yield problem(
            f"the compute machines have no route out, and the VPC has no endpoint for "
            f"{', '.join(absent)}",
            "add a NAT gateway or these endpoints: tasks could not start",
        )
    else:
        yield ok("the compute machines reach AWS's services by endpoints of the VPC")


def _endpoints(application: BuildableApplication, vpc_id: str) -> set[str]:
    filters: Any = [{"Name": "vpc-id", "Values": [vpc_id]}]
    pages = application.aws.ec2.get_paginator("describe_vpc_endpoints").paginate(Filters=filters)
    return {
        each["ServiceName"]
        for page in pages
        for each in page["VpcEndpoints"]
        if each.get("State", "available").lower() == "available"
    }


CHECKS = (Check("network", network), Check("way out", way_out))
