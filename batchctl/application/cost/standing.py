"""What a month of the stack costs while nothing is done with it, by resource, and what changes it.

Most of it stands idle for nothing: functions, queues, the table's requests, compute environments at
no vCPU. What is stored (images, results, logs) is charged by size, which isn't known here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from batchctl.application.cost.prices import HOURS_A_MONTH, Price, Prices
from batchctl.engine.action import Action
from batchctl.resource import Resource
from batchctl.resource.charges import Charge, Unit

if TYPE_CHECKING:
    from batchctl.engine.plan import Plan
    from batchctl.engine.steps import Step

_THERE_NOW = frozenset({Action.NO_OP, Action.UPDATE, Action.REPLACE, Action.DELETE, Action.KEEP})
_THERE_AFTER = frozenset({Action.NO_OP, Action.UPDATE, Action.REPLACE, Action.CREATE, Action.KEEP})
_REQUESTS: Mapping[str, tuple[Unit, ...]] = {
    "rest_api": (Unit.REST_REQUEST, Unit.FUNCTION_REQUEST),
    "load_balancer": (Unit.FUNCTION_REQUEST,),
}
_NOT_IN_REQUESTS: Mapping[str, str] = {
    "rest_api": "Lambda's time, the table, the queue",
    "load_balancer": "load balancer capacity units, Lambda's time, the table, the queue",
}


@dataclass(frozen=True)
class Line:
    """One charge of one resource: dollars a month; None for what isn't known."""

    address: str
    what: str
    usd: float | None
    price: Price | None = None
    quantity: int | None = 1


@dataclass(frozen=True)
class StandingCost:
    """What stands now and what stands after `up`, and what 1,000 requests cost.

    `unpriced` is what isn't in the sums and why that isn't known.
    """

    region: str
    now: tuple[Line, ...]
    after: tuple[Line, ...]
    requests_usd: float | None
    not_in_requests: str

    @property
    def now_usd(self) -> float:
        """The known part of what stands now, in dollars a month."""
        return _sum(self.now)

    @property
    def after_usd(self) -> float:
        """The known part of what stands after `up`."""
        return _sum(self.after)

    @property
    def unknown(self) -> tuple[str, ...]:
        """What is charged by the hour and isn't in the sums, as no price or number is known."""
        lines = (*self.now, *self.after)
        return tuple(dict.fromkeys(each.what for each in lines if each.usd is None))

    @property
    def changed(self) -> tuple[tuple[str, float], ...]:
        """What `up` adds to a month or takes from it, by what it is; what isn't known is left out.

        The largest first.
        """
        differences: dict[str, float] = {}
        for sign, lines in ((1, self.after), (-1, self.now)):
            for each in lines:
                differences[each.what] = differences.get(each.what, 0) + sign * (each.usd or 0)
        found = ((what, usd) for what, usd in differences.items() if abs(usd) > 0.0005)
        return tuple(sorted(found, key=lambda each: -abs(each[1])))

    @property
    def as_of(self) -> date | None:
        """The date of the oldest price in the sums; None where there is none."""
        dates = [each.price.as_of for each in (*self.now, *self.after) if each.price]
        return min(dates, default=None)


def standing_cost(plan: Plan, prices: Prices, region: str, partition: str) -> StandingCost:
    """Return what the plan's resources cost while idle, before it is carried out and after."""
    subnets = _subnets(plan)

    def lines(there: frozenset[Action]) -> tuple[Line, ...]:
        steps = [step for step in plan.steps if step.action in there]
        return tuple(
            _line(step, charge, subnets, prices.of(charge.unit, region, partition))
            for step in steps
            for charge in _charges(step)
        )

    kinds = {_kind(step) for step in plan.steps if step.action in _THERE_AFTER}
    door = next((each for each in _REQUESTS if each in kinds), None)
    per_request = [prices.of(unit, region, partition) for unit in _REQUESTS.get(door or "", ())]
    known = [each.usd for each in per_request if each is not None]
    return StandingCost(
        region,
        lines(_THERE_NOW),
        lines(_THERE_AFTER),
        1000 * sum(known) if known and len(known) == len(per_request) else None,
        _NOT_IN_REQUESTS.get(door or "", ""),
    )


def _kind(step: Step) -> str:
    return step.address.partition(".")[0]


def _charges(step: Step) -> Iterator[Charge]:
    kind = Resource.kinds.get(_kind(step))
    yield from kind.charges if kind else ()


def _line(step: Step, charge: Charge, subnets: Mapping[str, int], price: Price | None) -> Line:
    count = subnets.get(charge.each) if charge.each else 1
    known = price is not None and count is not None
    usd = price.usd * count * HOURS_A_MONTH if price and count is not None else None
    return Line(step.address, charge.what, usd, price if known else None, count)


def _subnets(plan: Plan) -> dict[str, int]:
    """Return how many subnets the network has of each use, as far as the plan has looked it up."""
    for address, actual in plan.actual.items():
        if address.startswith("network.") and actual is not None:
            outputs = vars(actual.outputs)
            return {
                name: len(value)
                for name, value in outputs.items()
                if isinstance(value, tuple) and value
            }
    return {}


def _sum(lines: Sequence[Line]) -> float:
    return sum(each.usd or 0 for each in lines)
