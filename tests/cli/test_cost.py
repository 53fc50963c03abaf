"""What a month costs while idle, against sums made by hand; what isn't known is said to be."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from batchctl.application.cost import price_list
from batchctl.application.cost.prices import SHIPPED, Price, Prices
from batchctl.application.cost.standing import standing_cost
from batchctl.cli.display.cost import show_job_cost
from batchctl.engine.action import Action
from batchctl.engine.plan import Plan
from batchctl.engine.steps import Step
from batchctl.jobs.cost.ledger import JobCost, Range
from batchctl.resource.charges import Unit

Batchctl = Callable[..., Result]
pytestmark = pytest.mark.usefixtures("account", "cache")
TODAY = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache: empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def cost(batchctl: Batchctl, *options: str) -> Any:
    result = batchctl("plan", "--json", *options)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)["cost"]


def test_a_load_balancer_is_the_standing_cost_of_a_new_stack(batchctl: Batchctl) -> None:
    """730 h x $0.0225, and an address in each of the region's six zones: 6 x 730 h x $0.005."""
    found = cost(batchctl)
    assert found["now_a_month"] == 0
    assert found["after_a_month"] == pytest.approx(16.425 + 21.90)
    assert [(each["what"], each["usd_a_month"]) for each in found["after"]] == [
        ("load balancer", pytest.approx(16.425)),
        ("its public addresses", pytest.approx(21.90)),
    ]
    assert all(each["source"] and each["as_of"] for each in found["after"])
    assert found["unknown"] == []


@pytest.mark.parametrize("auth", ["none", "iam"])
def test_a_rest_api_costs_nothing_while_idle(batchctl: Batchctl, auth: str) -> None:
    """Then 1,000 requests cost 1,000 x ($3.50 + $0.20) / 1,000,000."""
    found = cost(batchctl, "--api-mode", "restapi", "--auth", auth)
    assert (found["after_a_month"], found["after"]) == (0, [])
    assert found["per_1000_requests"] == pytest.approx(0.0037)


def test_the_plan_says_what_a_change_adds_in_one_line(batchctl: Batchctl) -> None:
    text = batchctl("plan").stdout
    (line,) = [each for each in text.splitlines() if "a month" in each]
    assert line == (
        "+$38.33 a month while idle, us-east-1: its public addresses +$21.90, load balancer +$16.43"
    )


def test_a_switch_of_the_front_door_says_what_it_saves(batchctl: Batchctl) -> None:
    assert batchctl("up", "--yes").exit_code == 0
    text = batchctl("plan", "--api-mode", "restapi").stdout
    (line,) = [each for each in text.splitlines() if "a month" in each]
    assert line.startswith("-$16.43 a month while idle, us-east-1: load balancer -$16.43")
    assert "unknown: its public addresses" in line


def test_the_status_says_what_stands(batchctl: Batchctl) -> None:
    assert batchctl("up", "--yes").exit_code == 0
    text = batchctl("status").stdout
    assert "cost:     $38.33 a month while idle (us-east-1, prices of 2024-02-01)" in text
    details = batchctl("cost").stdout
    assert "load_balancer.api: load balancer: $16.43; aws.amazon.com/elastic" in details
    assert "load_balancer.api: 6 x its public addresses: $21.90" in details
    assert "$0.0002 per 1,000 requests, and load balancer capacity units" in details
    assert "not in it: what is stored" in details


def test_a_region_without_a_price_is_unknown_and_never_guessed() -> None:
    plan = Plan((Step(Action.CREATE, "load_balancer.api", "batchapp-api"),))
    found = standing_cost(plan, Prices(), "eu-central-1", "aws")
    # No price of the hour, and no number of addresses, as no network was looked up.
    assert found.unknown == ("load balancer", "its public addresses")
    assert (found.after_usd, found.changed, found.requests_usd) == (0, (), None)


def test_every_shipped_price_has_a_source_and_a_date() -> None:
    assert all(each.source and each.as_of <= date(2026, 11, 28) for each in SHIPPED)
    assert {each.unit for each in SHIPPED} == set(Unit)


def test_the_price_of_another_partition_is_not_that_of_aws() -> None:
    prices = Prices()
    assert prices.of(Unit.PUBLIC_ADDRESS_HOUR, "cn-north-1", "aws-cn") is None
    assert prices.of(Unit.PUBLIC_ADDRESS_HOUR, "eu-west-1") is not None


class PriceList:
    """AWS's price list: a product for a load balancer hour, in the API's form; calls counted."""

    def __init__(self, usd: str) -> None:
        self.usd = usd
        self.calls: list[str] = []

    def get_products(self, **asked: Any) -> dict[str, Any]:
        self.calls.append(asked["ServiceCode"])
        wanted = {each["Field"]: each["Value"] for each in asked["Filters"]}
        if asked["ServiceCode"] != "AWSELB":
            return {"PriceList": []}
        assert wanted["regionCode"] == "eu-central-1"
        products = [
            self.product("EUC1-LoadBalancerUsage", self.usd),
            self.product("EUC1-LCUUsage", "0.008"),
        ]
        return {"PriceList": products}

    def product(self, usage_type: str, usd: str) -> str:
        dimension = {"beginRange": "0", "endRange": "Inf", "pricePerUnit": {"USD": usd}}
        return json.dumps(
            {
                "product": {"attributes": {"usagetype": usage_type}},
                "terms": {"OnDemand": {"X.Y": {"priceDimensions": {"X.Y.Z": dimension}}}},
            }
        )


def test_the_price_list_is_asked_once_a_day_and_what_it_lacks_stays_unknown() -> None:
    prices = PriceList("0.0270000000")
    found = price_list.refresh(prices, "eu-central-1", TODAY)
    hour = found.of(Unit.LOAD_BALANCER_HOUR, "eu-central-1")
    assert hour == Price(
        Unit.LOAD_BALANCER_HOUR, "eu-central-1", 0.027, "AWS Price List", TODAY.date()
    )
    assert found.of(Unit.REST_REQUEST, "eu-central-1") is None
    asked = len(prices.calls)
    price_list.refresh(prices, "eu-central-1", TODAY.replace(hour=23))
    assert len(prices.calls) == asked
    price_list.refresh(prices, "eu-central-1", TODAY.replace(day=29))
    assert len(prices.calls) == 2 * asked


def test_a_damaged_cache_is_as_good_as_none(cache: Path) -> None:
    price_list.refresh(PriceList("0.027"), "eu-central-1", TODAY)
    (path,) = cache.rglob("prices.json")
    path.write_text("[{")
    found = price_list.known_prices()
    assert found.of(Unit.LOAD_BALANCER_HOUR, "eu-central-1") is None
    assert found.of(Unit.LOAD_BALANCER_HOUR, "us-east-1") is not None


def test_a_jobs_cost_is_told_as_a_range_with_what_it_rests_on() -> None:
    lines: list[str] = []
    spot, on_demand = Range(0.0375, 0.04), Range(0.096, 0.11)
    show_job_cost(JobCost(3, 3.5, 3.5, spot, on_demand, Range(0.01, 0.02), 2), lines.append)
    text = "\n".join(lines)
    assert "used:     3.50 vCPU hours, 3.50 GiB hours in 3 attempts" in text
    assert "cost:     $0.0375 to $0.0400 on Spot" in text
    assert "$0.0960 to $0.1100 on demand" in text
    assert "lost:     $0.0100 to $0.0200 of it to reclaims" in text
    assert "2 tasks that AWS Batch has forgotten" in text
    lines.clear()
    show_job_cost(JobCost(1, 1.0, 1.0, None, None, None), lines.append)
    assert "cost:     unknown on Spot" in "\n".join(lines)
    assert "on demand" not in "\n".join(lines)


def test_the_cost_of_a_job_that_is_not_there_is_said_so(batchctl: Batchctl) -> None:
    assert batchctl("up", "--yes").exit_code == 0
    result = batchctl("cost", "nobody-1")
    assert result.exit_code != 0
    assert "`nobody-1`" in result.stderr
