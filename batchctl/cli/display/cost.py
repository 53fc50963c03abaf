"""What a month costs while idle: one line, the rest with `-v`; for machines as data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from batchctl.cli.output import say

if TYPE_CHECKING:
    from batchctl.application.cost.standing import Line, StandingCost
    from batchctl.jobs.cost.estimate import Estimate
    from batchctl.jobs.cost.ledger import JobCost, Range


def show_change(cost: StandingCost, write: Callable[[str], None] = say) -> None:
    """Write what carrying out the plan adds to a month or takes from it; nothing where nothing."""
    if cost.changed:
        parts = ", ".join(f"{what} {dollars(usd, sign=True)}" for what, usd in cost.changed)
        total = sum(usd for _, usd in cost.changed)
        text = f"{dollars(total, sign=True)} a month while idle, {cost.region}: {parts}"
        write(f"{text}{_unknown(cost)}")
    elif cost.unknown and cost.now != cost.after:
        write(f"cost a month while idle, {cost.region}:{_unknown(cost, first=True)}")


def show_standing(
    cost: StandingCost, write: Callable[[str], None] = say, *, verbose: bool = False
) -> None:
    """Write what stands now costs a month; with `verbose` by resource, with the prices' sources."""
    dated = f", prices of {cost.as_of}" if cost.as_of else ""
    write(
        f"cost:     {dollars(cost.now_usd)} a month while idle ({cost.region}{dated})"
        f"{_unknown(cost)}"
    )
    if verbose:
        for line in cost.now:
            write(f"          {_of(line)}")
        if cost.requests_usd is not None:
            write(
                f"          {dollars(cost.requests_usd, decimals=4)} per 1,000 requests, and "
                f"{cost.not_in_requests}"
            )
        write("          not in it: what is stored (images, results, logs), and jobs")


def _of(line: Line) -> str:
    if line.usd is None:
        return f"{line.address}: {line.what}: unknown"
    source = f"; {line.price.source}, {line.price.as_of}" if line.price else ""
    number = f"{line.quantity} x " if line.quantity != 1 else ""
    return f"{line.address}: {number}{line.what}: {dollars(line.usd)}{source}"


def _unknown(cost: StandingCost, *, first: bool = False) -> str:
    if not cost.unknown:
        return ""
    joint = " " if first else "; "
    return f"{joint}unknown: {', '.join(cost.unknown)} (`batchctl cost --refresh` asks AWS)"


def dollars(usd: float, *, sign: bool = False, decimals: int = 2) -> str:
    """Write an amount: $16.43, with `sign` +$16.43 or -$16.43."""
    mark = "-" if usd < 0 else "+" if sign else ""
    return f"{mark}${abs(usd):,.{decimals}f}"


def show_job_cost(cost: JobCost, write: Callable[[str], None] = say) -> None:
    """Write what a job has cost, as a range, with what it rests on."""
    used = f"{cost.vcpu_hours:.2f} vCPU hours, {cost.gib_hours:.2f} GiB hours"
    write(f"used:     {used} in {cost.attempts} attempts")
    write(f"cost:     {_range(cost.spot)} on Spot, at the prices when the attempts started")
    if cost.on_demand is not None:
        write(f"          {_range(cost.on_demand)} on demand")
    if cost.lost is not None and cost.lost.high > 0:
        write(f"lost:     {_range(cost.lost)} of it to reclaims")
    if cost.unknown:
        write(f"unknown:  {cost.unknown} tasks that AWS Batch has forgotten are not in it")
    write(
        "from full machines of the cheapest type that fits to the dearest; starting, stopping and"
    )
    write("room that is left on them are not in it")


def show_estimate(found: Estimate, write: Callable[[str], None] = say) -> None:
    """Write what a job would take, as ranges, with what they rest on."""
    write(f"items:    {found.items:,}, {_span(found.seconds_an_item, 's')} each")
    write(f"hours:    {_span(found.task_hours, 'h')} of tasks")
    write(f"takes:    {_span(found.minutes, 'min')}, once machines are there")
    write(f"costs:    {_range(found.dollars)} on Spot, at today's prices")
    if found.peak_memory_mib is not None:
        write(f"memory:   {found.peak_memory_mib:.0f} MiB at most in an item")
    jobs = ", ".join(f"`{each}`" for each in found.of_jobs)
    write(f"by {found.sampled:,} items of {jobs}; the code may have changed since")


def _span(found: Range, unit: str) -> str:
    low, high = (f"{each:,.{_digits(each)}f}" for each in (found.low, found.high))
    return f"{low} {unit}" if low == high else f"{low} to {high} {unit}"


def _digits(value: float) -> int:
    return 0 if value >= 100 else 1 if value >= 1 else 3


def _range(found: Range | None) -> str:
    if found is None:
        return "unknown"
    low, high = dollars(found.low, decimals=4), dollars(found.high, decimals=4)
    return low if low == high else f"{low} to {high}"


def job_as_json(cost: JobCost) -> dict[str, Any]:
    """Return a job's cost as data: dollars, null for what isn't known."""
    return {"currency": "USD", **asdict(cost)}


def as_json(cost: StandingCost) -> dict[str, Any]:
    """Return it as data: dollars a month, null for what isn't known."""
    return {
        "currency": "USD",
        "region": cost.region,
        "now_a_month": round(cost.now_usd, 4),
        "after_a_month": round(cost.after_usd, 4),
        "per_1000_requests": cost.requests_usd,
        "prices_of": cost.as_of.isoformat() if cost.as_of else None,
        "unknown": list(cost.unknown),
        "now": [_line_as_json(each) for each in cost.now],
        "after": [_line_as_json(each) for each in cost.after],
    }


def _line_as_json(line: Line) -> dict[str, Any]:
    return {
        "address": line.address,
        "what": line.what,
        "usd_a_month": None if line.usd is None else round(line.usd, 4),
        "source": line.price.source if line.price else None,
        "as_of": line.price.as_of.isoformat() if line.price else None,
    }
