"""The machines that may have run a job, and what Spot cost then, as EC2 tells.

Source: EC2 API reference, DescribeSpotPriceHistory (90 days, a price for each change, and the one
in force when the time begins) and DescribeInstanceTypes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from batchctl.aws.session import Aws, PriceList
from batchctl.errors import UsageError
from batchctl.jobs.cost.ledger import Machine, Market, Quote

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "default_x86_64": ("m6i.*", "c6i.*", "r6i.*", "c7i.*"),
    "default_arm64": ("m6g.*", "c6g.*", "r6g.*", "c7g.*"),
    "optimal": ("m4.*", "c4.*", "r4.*", "m5.*", "c5.*", "r5.*"),
}
"""AWS Batch user guide, "Instance type compute table" and "Optimal instance types": what a pool
stands for."""

LINUX = "Linux/UNIX"
AT_ONCE = 10
_SHARED_LINUX = {
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
}
"""What the price list calls an instance that nothing else is paid with."""


def market_of(
    aws: Aws, environments: Sequence[str], since_ms: int, until_ms: int, *, most_vcpus: float
) -> Market:
    """Return the market for machines of these compute environments, in a time.

    Machines with fewer than `most_vcpus` couldn't run the job's tasks.
    """
    patterns = sorted(set(_patterns(aws, environments)))
    machines = [each for each in _machines(aws, patterns) if each.vcpus >= most_vcpus]
    quotes = list(_quotes(aws, patterns, since_ms, until_ms))
    return Market(machines, quotes, on_demand_prices(aws, machines))


def on_demand_prices(aws: Aws, machines: Sequence[Machine]) -> dict[str, float]:
    """Return what machines cost on demand today, in US dollars an hour, by AWS's price list.

    What that has not, or may not be asked for, is left out.
    """

    def price(machine: Machine) -> float | None:
        attributes = {"instanceType": machine.name, "regionCode": aws.region, **_SHARED_LINUX}
        return only_price(products(aws.pricing, "AmazonEC2", attributes))

    try:
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="batchctl-prices") as pool:
            prices = list(pool.map(price, machines))
    except (ClientError, BotoCoreError, UsageError):
        return {}
    return {
        machine.name: usd for machine, usd in zip(machines, prices, strict=True) if usd is not None
    }


def products(
    pricing: PriceList, service: str, attributes: Mapping[str, str]
) -> list[Mapping[str, Any]]:
    """Return the products of a service in the price list that have these attributes."""
    answer = pricing.get_products(
        ServiceCode=service,
        Filters=[
            {"Type": "TERM_MATCH", "Field": name, "Value": value}
            for name, value in attributes.items()
        ],
    )
    return [json.loads(each) for each in answer["PriceList"]]


def only_price(found: Iterable[Mapping[str, Any]]) -> float | None:
    """Return what these products cost; None where that is nothing, or more than one price."""
    prices = {usd for each in found for usd in _first_tier(each)}
    return prices.pop() if len(prices) == 1 else None


def _first_tier(product: Mapping[str, Any]) -> Iterator[float]:
    """Yield the price of the first that is used of a product of the price list, on demand.

    What costs nothing is a free tier.
    """
    for term in product.get("terms", {}).get("OnDemand", {}).values():
        for dimension in term["priceDimensions"].values():
            usd = float(dimension["pricePerUnit"].get("USD", 0))
            if dimension.get("beginRange") == "0" and usd > 0:
                yield usd


def _patterns(aws: Aws, environments: Sequence[str]) -> Iterator[str]:
    """Yield what the types' names are like: `c6i.*`, `m7g.large`."""
    answer = aws.batch.describe_compute_environments(computeEnvironments=list(environments))
    for environment in answer["computeEnvironments"]:
        for name in environment.get("computeResources", {}).get("instanceTypes", ()):
            yield from FAMILIES.get(name, (name if "." in name else f"{name}.*",))


def _filter(name: str, patterns: Sequence[str]) -> Any:
    return [{"Name": name, "Values": list(patterns)}]


def _machines(aws: Aws, patterns: Sequence[str]) -> Iterator[Machine]:
    pages = aws.ec2.get_paginator("describe_instance_types").paginate(
        Filters=_filter("instance-type", patterns)
    )
    for page in pages:
        for each in page["InstanceTypes"]:
            if not each.get("BareMetal", False):
                yield Machine(
                    str(each["InstanceType"]),
                    each["VCpuInfo"]["DefaultVCpus"],
                    each["MemoryInfo"]["SizeInMiB"],
                )


def _quotes(aws: Aws, patterns: Sequence[str], since_ms: int, until_ms: int) -> Iterator[Quote]:
    pages = aws.ec2.get_paginator("describe_spot_price_history").paginate(
        Filters=_filter("instance-type", patterns),
        ProductDescriptions=[LINUX],
        StartTime=_time(since_ms),
        EndTime=_time(until_ms),
    )
    for page in pages:
        for each in page["SpotPriceHistory"]:
            yield Quote(
                str(each["InstanceType"]),
                each["AvailabilityZone"],
                int(each["Timestamp"].timestamp() * 1000),
                float(each["SpotPrice"]),
            )


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
