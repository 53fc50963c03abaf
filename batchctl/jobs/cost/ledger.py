"""The sums of a job's cost: pure, from attempts and prices.

An attempt has a share of its machine: the larger of its part of the vCPUs and of the memory. Which
machine it had, AWS Batch doesn't keep; so it is the cheapest and the dearest of those that may have
run it, by the price when it started: a range. It is what full machines cost. Time in which machines
start, stop or have room left is the bill's, and in no attempt.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

HOUR_MS: Final = 3_600_000


@dataclass(frozen=True)
class Machine:
    """An instance type: its vCPUs and memory."""

    name: str
    vcpus: int
    memory_mib: int

    def share_of(self, vcpus: float, memory_mib: int) -> float:
        """Return which part of it a task takes; more than 1 where it doesn't fit."""
        return max(vcpus / self.vcpus, memory_mib / self.memory_mib)


@dataclass(frozen=True)
class UsedTime:
    """An attempt's time on a machine, and what it had of it; `lost` when that was taken away."""

    started_ms: int
    stopped_ms: int
    vcpus: float
    memory_mib: int
    lost: bool = False

    @property
    def hours(self) -> float:
        """How long it took; a clock that went back makes it no time."""
        return max(0, self.stopped_ms - self.started_ms) / HOUR_MS


@dataclass(frozen=True)
class Quote:
    """A price of Spot in a zone, in US dollars an hour, from a time on."""

    machine: str
    zone: str
    since_ms: int
    usd_hour: float


@dataclass(frozen=True)
class Range:
    """From so many dollars to so many."""

    low: float = 0.0
    high: float = 0.0

    def __add__(self, other: Range) -> Range:
        """Add both ends."""
        return Range(self.low + other.low, self.high + other.high)


@dataclass(frozen=True)
class JobCost:
    """What a job cost: `spot` and `on_demand` are what it costs wholly on the one or the other.

    None where a price isn't known. `lost` is of attempts whose Spot machine was taken away, in
    `spot`. `unknown` counts attempts of which AWS Batch has no times any more.
    """

    attempts: int
    vcpu_hours: float
    gib_hours: float
    spot: Range | None
    on_demand: Range | None
    lost: Range | None
    unknown: int = 0


@dataclass(frozen=True)
class Market:
    """The machines that may run the job, and their prices."""

    machines: Sequence[Machine]
    quotes: Iterable[Quote] = ()
    on_demand: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Order the quotes by machine, zone and time."""
        lines: dict[str, dict[str, list[tuple[int, float]]]] = {}
        for each in self.quotes:
            zones = lines.setdefault(each.machine, {})
            zones.setdefault(each.zone, []).append((each.since_ms, each.usd_hour))
        for zones in lines.values():
            for line in zones.values():
                line.sort()
        object.__setattr__(self, "_lines", lines)

    def spot(self, machine: Machine, at_ms: int) -> list[float]:
        """Return the price of a machine at a time in each zone that has one.

        Before the first that is known it is the first.
        """
        lines: Mapping[str, Mapping[str, Sequence[tuple[int, float]]]] = vars(self)["_lines"]
        return [
            line[max(0, bisect_right(line, (at_ms, float("inf"))) - 1)][1]
            for line in lines.get(machine.name, {}).values()
        ]


def cost_of(used: Sequence[UsedTime], market: Market, unknown: int = 0) -> JobCost:
    """Return what these attempts cost."""
    spot = [_range_of(each, market, on_demand=False) for each in used]
    on_demand = [_range_of(each, market, on_demand=True) for each in used]
    lost = [_range_of(each, market, on_demand=False) for each in used if each.lost]
    return JobCost(
        attempts=len(used),
        vcpu_hours=sum(each.hours * each.vcpus for each in used),
        gib_hours=sum(each.hours * each.memory_mib / 1024 for each in used),
        spot=_sum(spot),
        on_demand=_sum(on_demand),
        lost=_sum(lost),
        unknown=unknown,
    )


def _range_of(used: UsedTime, market: Market, *, on_demand: bool) -> Range | None:
    """Return what an attempt cost on the cheapest and on the dearest machine it fits on."""
    costs = [
        used.hours * price * share
        for machine in market.machines
        if (share := machine.share_of(used.vcpus, used.memory_mib)) <= 1
        for price in _prices(market, machine, used.started_ms, on_demand=on_demand)
    ]
    return Range(min(costs), max(costs)) if costs else None


def _prices(market: Market, machine: Machine, at_ms: int, *, on_demand: bool) -> list[float]:
    if not on_demand:
        return market.spot(machine, at_ms)
    price = market.on_demand.get(machine.name)
    return [] if price is None else [price]


def _sum(parts: Sequence[Range | None]) -> Range | None:
    """Return the sum; None when a part isn't known."""
    total = Range()
    for each in parts:
        if each is None:
            return None
        total += each
    return total
