"""What a job cost, against ledgers computed by hand."""

from __future__ import annotations

from typing import Any

import pytest

from batchctl.jobs.cost.ledger import (
    HOUR_MS,
    Machine,
    Market,
    Quote,
    Range,
    UsedTime,
    cost_of,
)

approx: Any = pytest.approx

SMALL, LARGE = Machine("m6i.large", 2, 8192), Machine("c6i.4xlarge", 16, 32768)
START = 1_790_000_000_000


def used(hours: float, *, at: float = 0, lost: bool = False, memory_mib: int = 1024) -> UsedTime:
    began = START + int(at * HOUR_MS)
    return UsedTime(began, began + int(hours * HOUR_MS), 1.0, memory_mib, lost)


def market(*quotes: Quote, machines: tuple[Machine, ...] = (SMALL, LARGE)) -> Market:
    return Market(machines, quotes, {"m6i.large": 0.096, "c6i.4xlarge": 0.68})


def quote(machine: Machine, usd_hour: float, *, zone: str = "a", hours: float = 0) -> Quote:
    return Quote(machine.name, zone, START + int(hours * HOUR_MS), usd_hour)


def test_an_attempt_costs_its_share_of_the_cheapest_and_of_the_dearest_machine() -> None:
    """2 h of 1 vCPU: half of $0.04 an hour, or a sixteenth of $0.30."""
    found = cost_of([used(2)], market(quote(SMALL, 0.04), quote(LARGE, 0.30)))
    assert found.spot == Range(approx(2 * 0.30 / 16), approx(2 * 0.04 / 2))
    assert found.on_demand == Range(approx(2 * 0.68 / 16), approx(2 * 0.096 / 2))
    assert (found.attempts, found.vcpu_hours, found.gib_hours) == (1, 2.0, 2.0)


def test_the_larger_of_vcpu_and_memory_is_the_share() -> None:
    """1 vCPU of 2 is half, 6 of 8 GiB are three quarters."""
    found = cost_of([used(1, memory_mib=6144)], market(quote(SMALL, 0.04), machines=(SMALL,)))
    assert found.spot == Range(approx(0.03), approx(0.03))


def test_a_machine_that_a_task_does_not_fit_on_is_no_price() -> None:
    found = cost_of([used(1, memory_mib=16384)], market(quote(SMALL, 0.01), quote(LARGE, 0.32)))
    assert found.spot == Range(approx(0.16), approx(0.16))


def test_the_price_is_that_of_the_zone_and_the_time_when_the_attempt_started() -> None:
    """$0.04 until hour 1, then $0.06; zone b has $0.05 all the time."""
    prices = (
        quote(SMALL, 0.04),
        quote(SMALL, 0.06, hours=1),
        quote(SMALL, 0.05, zone="b", hours=-5),
    )
    one = market(*prices, machines=(SMALL,))
    assert cost_of([used(1)], one).spot == Range(approx(0.02), approx(0.025))
    late = cost_of([used(1, at=1)], one).spot
    assert late == Range(approx(0.025), approx(0.03))


def test_attempts_add_up_and_what_reclaims_took_is_told_beside() -> None:
    """1 h that was lost, 0.5 h and 1.5 h: 3 h at $0.02."""
    ledger = [used(1, lost=True), used(0.5, at=1), used(1.5)]
    found = cost_of(ledger, market(quote(SMALL, 0.04), machines=(SMALL,)), unknown=2)
    assert found.spot == Range(approx(0.06), approx(0.06))
    assert found.lost == Range(approx(0.02), approx(0.02))
    assert (found.attempts, found.unknown, found.vcpu_hours) == (3, 2, 3.0)


def test_a_cost_without_a_price_is_unknown_and_no_zero() -> None:
    found = cost_of([used(1)], Market((SMALL,)))
    assert (found.spot, found.on_demand, found.vcpu_hours) == (None, None, 1.0)


def test_a_clock_that_went_back_makes_no_negative_cost() -> None:
    found = cost_of([used(-1)], market(quote(SMALL, 0.04)))
    assert found.spot == Range(0, 0)


def test_a_job_that_has_not_begun_has_cost_nothing() -> None:
    assert cost_of([], Market(())).spot == Range(0, 0)
