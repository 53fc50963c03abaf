"""Prices of AWS, each with its source and date: what has none is not known, and never guessed.

US dollars, on demand, before taxes, credits, free tiers and discounts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from batchctl.resource.charges import Unit

HOURS_A_MONTH: Final = 730
"""AWS Pricing Calculator: a month is 730 hours."""

EVERYWHERE: Final = "aws"
"""In the place of a region: every region of the partition `aws`."""


@dataclass(frozen=True)
class Price:
    """US dollars for one unit in a region, who says so, and since when we know."""

    unit: Unit
    region: str
    usd: float
    source: str
    as_of: date


SHIPPED: Final = (
    Price(
        Unit.LOAD_BALANCER_HOUR,
        "us-east-1",
        0.0225,
        "aws.amazon.com/elasticloadbalancing/pricing",
        date(2026, 9, 20),
    ),
    Price(
        Unit.PUBLIC_ADDRESS_HOUR,
        EVERYWHERE,
        0.005,
        "AWS News Blog, public IPv4 address charge",
        date(2024, 2, 1),
    ),
    Price(
        Unit.REST_REQUEST,
        "us-east-1",
        3.50e-6,
        "aws.amazon.com/api-gateway/pricing",
        date(2026, 9, 20),
    ),
    Price(
        Unit.FUNCTION_REQUEST,
        "us-east-1",
        0.20e-6,
        "aws.amazon.com/lambda/pricing",
        date(2026, 9, 20),
    ),
)


class Prices:
    """The newest price of each unit in each region."""

    def __init__(self, known: Iterable[Price] = SHIPPED) -> None:
        """Take the newest of each."""
        ordered = sorted(known, key=lambda each: each.as_of)
        self._known: Mapping[tuple[Unit, str], Price] = {
            (each.unit, each.region): each for each in ordered
        }

    def of(self, unit: Unit, region: str, partition: str = "aws") -> Price | None:
        """Return the price of a unit in a region; None: not known."""
        own = self._known.get((unit, region))
        return own or (self._known.get((unit, EVERYWHERE)) if partition == EVERYWHERE else None)
