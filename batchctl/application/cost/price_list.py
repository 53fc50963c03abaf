"""AWS's price list, asked through its API and kept for a day in the user's cache.

Source: AWS Billing user guide, "Finding services and products using the AWS Price List Query API":
the API answers in us-east-1 for every region of the partition `aws`; others have none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from batchctl.application.cost.prices import SHIPPED, Price, Prices
from batchctl.aws.session import PriceList
from batchctl.errors import BatchctlError
from batchctl.jobs.cost.market import only_price, products
from batchctl.private_files import cache_directory, sealed_folder, write_private
from batchctl.resource.charges import Unit

FRESH: Final = timedelta(days=1)
SOURCE: Final = "AWS Price List"


@dataclass(frozen=True)
class _Product:
    """Where the price list has a unit: a service, and what its product's attributes are."""

    service: str
    attributes: Mapping[str, str]
    usage_ends: str


_PRODUCTS: Final[Mapping[Unit, _Product]] = {
    Unit.LOAD_BALANCER_HOUR: _Product(
        "AWSELB", {"operation": "LoadBalancing:Application"}, "LoadBalancerUsage"
    ),
    Unit.PUBLIC_ADDRESS_HOUR: _Product(
        "AmazonVPC", {"group": "VPCPublicIPv4Address"}, "PublicIPv4:InUseAddress"
    ),
    Unit.REST_REQUEST: _Product(
        "AmazonApiGateway", {"operation": "ApiGatewayRequest"}, "ApiGatewayRequest"
    ),
    Unit.FUNCTION_REQUEST: _Product("AWSLambda", {"group": "AWS-Lambda-Requests"}, "Request"),
}


def fetch(pricing: PriceList, region: str, today: date) -> list[Price]:
    """Return what AWS's list has of the units in a region, by a client of its API.

    What it has not, or in more ways than one, is left out.
    """
    found = []
    for unit, product in _PRODUCTS.items():
        listed = products(pricing, product.service, {"regionCode": region, **product.attributes})
        usd = only_price(each for each in listed if _usage_type(each).endswith(product.usage_ends))
        if usd is not None:
            found.append(Price(unit, region, usd, SOURCE, today))
    return found


def _usage_type(product: Mapping[str, Any]) -> str:
    """Return a product's type of usage without its region: `USE1-Request` ends with `Request`."""
    return str(product["product"]["attributes"].get("usagetype", ""))


def known_prices() -> Prices:
    """Return the shipped prices, and what was fetched last, with its date."""
    return Prices((*SHIPPED, *_kept()))


def refresh(pricing: PriceList, region: str, now: datetime | None = None) -> Prices:
    """Return the prices, those of the region from AWS's list unless they are of today."""
    now = now or datetime.now(UTC)
    kept = _kept()
    of_region = [each for each in kept if each.region == region]
    if not of_region or now.date() - min(each.as_of for each in of_region) >= FRESH:
        others = [each for each in kept if each.region != region]
        _keep([*others, *fetch(pricing, region, now.date())])
    return known_prices()


def _path() -> Path:
    return sealed_folder(cache_directory()) / "prices.json"


def _kept() -> list[Price]:
    """Return what was fetched; nothing where there is no cache, or none that can be read."""
    try:
        rows = json.loads(_path().read_text(encoding="utf-8"))
        return [
            Price(
                Unit(row["unit"]),
                str(row["region"]),
                float(row["usd"]),
                str(row["source"]),
                date.fromisoformat(row["as_of"]),
            )
            for row in rows
        ]
    except (OSError, ValueError, KeyError, TypeError, BatchctlError):
        return []


def _keep(prices: list[Price]) -> None:
    rows = [
        {
            "unit": each.unit,
            "region": each.region,
            "usd": each.usd,
            "source": each.source,
            "as_of": each.as_of.isoformat(),
        }
        for each in prices
    ]
    with suppress(OSError, BatchctlError):
        write_private(_path(), json.dumps(rows))
