"""What a resource is charged for, in units that AWS has prices for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Unit(StrEnum):
    """What a price is for: its key in the table of prices."""

    LOAD_BALANCER_HOUR = "load balancer hour"
    PUBLIC_ADDRESS_HOUR = "public IPv4 address hour"
    REST_REQUEST = "REST API request"
    FUNCTION_REQUEST = "Lambda request"


@dataclass(frozen=True)
class Charge:
    """What stands idle and is charged by the hour: `what` for people.

    `each` names an output of the network that is counted: one in each of those subnets.
    """

    unit: Unit
    what: str
    each: str = ""
