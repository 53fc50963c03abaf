"""EC2: the network that the application runs in, looked up, never made."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from batchctl.aws.concurrently import concurrently
from batchctl.aws.session import Aws
from batchctl.errors import BatchctlError
from batchctl.resource import Actual, Deployed, Group, Outputs, Properties, Resource
from batchctl.resource.grants import Grant
from batchctl.resources.ec2.placement import Placement, choose_subnets, listed
from batchctl.resources.ec2.subnets import Vpc, subnets_of

Descriptions = list[Mapping[str, Any]]


@dataclass(frozen=True)
class NetworkOutputs(Outputs):
    """The id is the VPC's; there is no ARN. Subnets are ids, none where none is needed."""

    compute_subnet_ids: tuple[str, ...]
    load_balancer_subnet_ids: tuple[str, ...]
    function_subnet_ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Network(Resource[NetworkOutputs]):
    """The VPC and the subnets of everything in it.

    `vpc_id` None is the VPC of the subnets that are given, or else the default VPC. Subnets that
    are given are checked; for those that aren't, the load balancer gets a public one in each zone,
    compute the private ones with a way out or else the public ones, and functions none.
    `load_balancer_name` is what the load balancer's name begins with: where it stands, it stays.
    """

    vpc_id: str | None = None
    compute_subnet_ids: tuple[str, ...] = ()
    load_balancer_subnet_ids: tuple[str, ...] = ()
    function_subnet_ids: tuple[str, ...] = ()
    needs_load_balancer: bool = True
    load_balancer_name: str = ""

    kind: ClassVar[str] = "network"
    group: ClassVar[Group | None] = Group.COMPUTE
    outputs: ClassVar[type[NetworkOutputs]] = NetworkOutputs
    identity: ClassVar[tuple[str, ...]] = ()
    calls_to_read: ClassVar[int] = 2
    taggable: ClassVar[bool] = False
    lookup: ClassVar[bool] = True
    grants: ClassVar[tuple[Grant, ...]] = (
        Grant("read up", "ec2", "DescribeVpcs DescribeSubnets DescribeRouteTables"),
        Grant("read up", "elasticloadbalancing", "DescribeLoadBalancers"),
    )

    def desired(self, deployed: Deployed) -> Properties:
        """Return what is asked for, for `read` to look it up."""
        del deployed
        return {
            "VpcId": self.vpc_id,
            "ComputeSubnetIds": list(self.compute_subnet_ids),
            "LoadBalancerSubnetIds": list(self.load_balancer_subnet_ids),
            "FunctionSubnetIds": list(self.function_subnet_ids),
            "NeedsLoadBalancer": self.needs_load_balancer,
            "LoadBalancerName": self.load_balancer_name,
        }

    @classmethod
    def read(
        cls, aws: Aws, recorded: NetworkOutputs | None, desired: Properties
    ) -> Actual[NetworkOutputs]:
        """Look up the network. Its properties are the desired ones, so it never differs.

        Raises BatchctlError with what is missing, and what to set or add.
        """
        del recorded
        vpc = _vpc(aws, desired)
        placement = choose_subnets(vpc, desired)
        return Actual(_outputs(vpc, placement), desired, notes=placement.notes)

    def create(self, aws: Aws, desired: Properties) -> NetworkOutputs:
        """Return what is looked up: a network is never made."""
        return self.read(aws, None, desired).outputs

    def update(
        self,
        aws: Aws,
        actual: Actual[NetworkOutputs],
        desired: Properties,
        changed: Properties,
    ) -> NetworkOutputs:
        """Return what was looked up: a network is never changed."""
        del aws, desired, changed
        return actual.outputs

    @classmethod
    def delete(cls, aws: Aws, recorded: NetworkOutputs) -> None:
        """Leave it: a network is never deleted."""


def _outputs(vpc: Vpc, placement: Placement) -> NetworkOutputs:
    return NetworkOutputs(
        id=vpc.id,
        arn="",
        compute_subnet_ids=tuple(subnet.id for subnet in placement.compute),
        load_balancer_subnet_ids=tuple(subnet.id for subnet in placement.load_balancer),
        function_subnet_ids=tuple(subnet.id for subnet in placement.functions),
    )


def _vpc(aws: Aws, desired: Properties) -> Vpc:
    found, is_default, subnets, tables = _found(aws, desired)
    return Vpc(
        found,
        f"{'the default ' if is_default else ''}VPC `{found}`",
        subnets_of(subnets, tables, aws.region),
        lambda: load_balancer_subnets(aws, found, str(desired["LoadBalancerName"])),
    )


def _found(aws: Aws, desired: Properties) -> tuple[str, bool, Descriptions, Descriptions]:
    """Return the id of the VPC, whether it is the default one, its subnets and route tables."""
    vpc_id = desired["VpcId"] or _vpc_of_given(aws, desired)
    if not vpc_id and (subnets := _subnets_of_default(aws)):
        found = str(subnets[0]["VpcId"])
        return found, True, subnets, _route_tables(aws, _filters({"vpc-id": [found]}))
    wanted = {"vpc-id": [vpc_id]} if vpc_id else {"is-default": ["true"]}
    vpcs = aws.ec2.describe_vpcs(Filters=_filters(wanted))["Vpcs"]
    if not vpcs:
        raise _no_vpc(aws, vpc_id)
    found, is_default = vpcs[0]["VpcId"], vpcs[0].get("IsDefault", False)
    of_vpc = _filters({"vpc-id": [found]})
    described, tables = concurrently(
        partial(_described_subnets, aws, of_vpc), partial(_route_tables, aws, of_vpc)
    )
    return found, is_default, described, tables


def _subnets_of_default(aws: Aws) -> Descriptions:
    """Return the subnets of the default VPC; none where it has no default subnet, or isn't there.

    Default subnets are in no other VPC (VPC user guide, "Default VPCs"), so that those of the
    region say which one it is: it need not be asked for by a call of its own.
    """
    subnets = _described_subnets(aws, [])
    default = {each["VpcId"] for each in subnets if each.get("DefaultForAz")}
    return [each for each in subnets if each["VpcId"] in default]


def load_balancer_subnets(aws: Aws, vpc_id: str, name: str) -> set[str]:
    """Return the subnets of the load balancers of a name, with any number of a generation."""
    pages = aws.elbv2.get_paginator("describe_load_balancers").paginate()
    return {
        zone["SubnetId"]
        for page in pages
        for each in page["LoadBalancers"]
        if each["VpcId"] == vpc_id
        and re.fullmatch(rf"{re.escape(name)}(-\d+)?", each["LoadBalancerName"])
        for zone in each["AvailabilityZones"]
    }


def _no_vpc(aws: Aws, vpc_id: str | None) -> BatchctlError:
    if vpc_id:
        return BatchctlError(
            f"could not find VPC `{vpc_id}` in {aws.region}",
            hint="check `network.vpc_id` and `region` in config.yaml",
        )
    return BatchctlError(
        f"could not find the default VPC of {aws.region}: the account has none there",
        hint="set `network.vpc_id` in config.yaml, or create one with `aws ec2 create-default-vpc`",
    )


def _vpc_of_given(aws: Aws, desired: Properties) -> str | None:
    """Return the VPC of the subnets that are given, None when none are."""
    keys = ("ComputeSubnetIds", "LoadBalancerSubnetIds", "FunctionSubnetIds")
    given = sorted({each for key in keys for each in desired[key]})
    if not given:
        return None
    found = _described_subnets(aws, _filters({"subnet-id": given}))
    if missing := sorted(set(given) - {each["SubnetId"] for each in found}):
        raise BatchctlError(
            f"could not find {listed(missing)} in {aws.region}",
            hint="check the subnets under `network` and `region` in config.yaml",
        )
    vpcs = sorted({str(each["VpcId"]) for each in found})
    if len(vpcs) > 1:
        raise BatchctlError(
            f"could not use the subnets under `network`: they are in several VPCs, {listed(vpcs)}",
            hint="name subnets of one VPC in config.yaml",
        )
    return vpcs[0]


def _described_subnets(aws: Aws, filters: Any) -> Descriptions:
    pages = aws.ec2.get_paginator("describe_subnets").paginate(Filters=filters)
    return [subnet for page in pages for subnet in page["Subnets"]]


def _route_tables(aws: Aws, filters: Any) -> Descriptions:
    pages = aws.ec2.get_paginator("describe_route_tables").paginate(Filters=filters)
    return [table for page in pages for table in page["RouteTables"]]


def _filters(values: Mapping[str, Sequence[str]]) -> Any:
    return [{"Name": name, "Values": list(each)} for name, each in values.items()]
