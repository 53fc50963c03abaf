"""The subnets of a VPC: which are public, which have a way out, which zone each is in.

Sources: VPC user guide, "Configure route tables" (a subnet without a table of its own has the
main one) and "Internet gateways"; Elastic Load Balancing guide, "Application Load Balancers"
(subnets of a /27 at least, with eight free addresses); VPC user guide, "IP addressing" (an
IPv6-only subnet has no IPv4 addresses, which load balancer, functions and AWS Batch's hosts need);
EC2 user guide, "Regions and Zones" (an Availability Zone is named as its region with a letter;
Local and Wavelength Zones have longer names).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ANYWHERE = "0.0.0.0/0"
SMALLEST_FOR_LOAD_BALANCER = 27
FREE_FOR_LOAD_BALANCER = 8
IPV6_ONLY = "it has no IPv4 addresses (IPv6-only)"


@dataclass(frozen=True)
class Subnet:
    """One subnet.

    `is_public`: its default route leads to an internet gateway. `has_way_out`: it leads somewhere
    else, a NAT gateway or transit gateway as a rule. Neither: what is in it reaches only the VPC
    and its endpoints. `is_regular`: in an Availability Zone, no Local Zone, Wavelength or Outpost.
    `cidr` is that of IPv4, None in an IPv6-only one; `free` are its addresses that nobody has.
    """

    id: str
    zone: str
    cidr: str | None
    free: int
    is_public: bool
    has_way_out: bool
    assigns_addresses: bool
    is_regular: bool

    @property
    def keeps_out_load_balancer(self) -> str | None:
        """Say why no internet-facing load balancer can stand in it; None when one can."""
        if self.cidr is None:
            return IPV6_ONLY
        if not self.is_regular:
            return f"`{self.zone}` is no Availability Zone"
        if not self.is_public:
            return f"it is not public (its default route {ANYWHERE} leads to no internet gateway)"
        if ipaddress.ip_network(self.cidr).prefixlen > SMALLEST_FOR_LOAD_BALANCER:
            return f"it is smaller than /{SMALLEST_FOR_LOAD_BALANCER} ({self.cidr})"
        return None


@dataclass(frozen=True)
class Vpc:
    """A VPC with its available subnets; `name` is how messages call it.

    `has_load_balancer_in` finds the subnets in which the stack's load balancer stands already.
    """

    id: str
    name: str
    subnets: tuple[Subnet, ...]
    has_load_balancer_in: Callable[[], Collection[str]] = tuple


def subnets_of(
    subnets: Iterable[Mapping[str, Any]], route_tables: Sequence[Mapping[str, Any]], region: str
) -> tuple[Subnet, ...]:
    """Return the available subnets of one VPC by zone and id.

    `subnets` and `route_tables` are as DescribeSubnets and DescribeRouteTables answer them, for
    the whole VPC.
    """
    found = (_subnet(each, route_tables, region) for each in subnets if _is_available(each))
    return tuple(sorted(found, key=lambda subnet: (subnet.zone, subnet.id)))


def _is_available(subnet: Mapping[str, Any]) -> bool:
    return str(subnet.get("State", "available")) == "available"


def _subnet(
    subnet: Mapping[str, Any], route_tables: Sequence[Mapping[str, Any]], region: str
) -> Subnet:
    target = _default_target(_route_table(subnet["SubnetId"], route_tables))
    return Subnet(
        id=subnet["SubnetId"],
        zone=subnet["AvailabilityZone"],
        cidr=subnet.get("CidrBlock"),
        free=int(subnet.get("AvailableIpAddressCount", FREE_FOR_LOAD_BALANCER)),
        is_public=target.startswith("igw-"),
        has_way_out=bool(target) and not target.startswith("igw-"),
        assigns_addresses=bool(subnet.get("MapPublicIpOnLaunch")),
        is_regular=_is_regular(subnet, region),
    )


def _is_regular(subnet: Mapping[str, Any], region: str) -> bool:
    letter = str(subnet["AvailabilityZone"]).removeprefix(region)
    return len(letter) == 1 and not subnet.get("OutpostArn")


def _route_table(subnet_id: str, tables: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the table that is associated with the subnet, else the VPC's main one."""
    main: Mapping[str, Any] = {}
    for table in tables:
        for association in table.get("Associations", ()):
            if association.get("SubnetId") == subnet_id:
                return table
            if association.get("Main"):
                main = table
    return main


def _default_target(table: Mapping[str, Any]) -> str:
    """Return the id of where the IPv4 default route leads to, "" when it leads nowhere."""
    for route in table.get("Routes", ()):
        if route.get("DestinationCidrBlock") == ANYWHERE and route.get("State") != "blackhole":
            return next(
                (str(value) for key, value in route.items() if value and _is_target(key)), ""
            )
    return ""


def _is_target(key: str) -> bool:
    """Whether this key of a route says where it leads (EC2 API reference, Route)."""
    return key.endswith(("GatewayId", "InterfaceId", "InstanceId", "ConnectionId", "NetworkArn"))
