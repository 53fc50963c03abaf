"""What an anonymous caller can cost a day at most: the tables of docs/security.md.

    .venv/bin/python bench/stranger_cost.py

Arithmetic alone: nothing is measured, and AWS isn't asked. Each bound is a setting of config.yaml
or a quota of AWS, used to the full for 24 hours in us-east-1. What has no known bound or price says
so. The quotas are AWS's defaults ("Lambda quotas", "Quotas in Amazon DynamoDB", "Amazon API Gateway
quotas"); an account may have others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from batchctl.config import Config

SECONDS_A_DAY = 86_400
MIB_A_GIB = 1024
KIB_A_GIB = 1024**2
MILLION = 1_000_000

CONCURRENT_EXECUTIONS = 1_000
TABLE_UNITS_PER_SECOND = 40_000
API_GATEWAY_REQUESTS_PER_SECOND = 10_000

# Assumed: what the functions log of a request, and one line of API Gateway's access log.
FUNCTION_LOG_KIB = 1.0
ACCESS_LOG_KIB = 0.5

# Elastic Load Balancing pricing: the new connections that a capacity unit (LCU) pays for.
CONNECTIONS_AN_LCU = 25
CONNECTIONS_PER_SECOND = 1_000

TIGHT = Config.model_validate(
    {
        "api": {"requests_per_second": 20, "burst_requests": 40},
        "compute": {"max_vcpus": 16, "on_demand_fallback": False},
        "functions": {"reserved_concurrency": 5},
        "job_table": {"max_write_units": 200},
    }
)


@dataclass(frozen=True)
class Price:
    """A list price in dollars, for what, and where it was read: no source is AWS's bill."""

    dollars: float
    unit: str
    source: str


# `optimal` is m6i, c6i, r6i and c7i (AWS Batch API Reference, ComputeResource); r6i is the dearest
# of them by the vCPU. Spot never costs more: the same page, bidPercentage.
VCPU_HOUR = Price(
    0.126 / 2,
    "vCPU-hour on demand, r6i.large (2 vCPUs)",
    "public copies of the EC2 price list, undated",
)
GIB_SECOND = Price(
    0.0000133334,
    "GB-second of an arm64 function",
    "Cloudchipr, “AWS Lambda Pricing Breakdown: Ultimate Guide 2024”",
)
FUNCTION_CALLS = Price(
    0.20, "million calls of functions", "lambda_local_runner, “Cost”, notes without a date"
)
API_CALLS = Price(
    3.50,
    "million requests of a REST API",
    "AWS whitepaper “Best Practices for Designing Amazon API Gateway Private APIs”, table 4",
)
LCU_HOUR = Price(
    0.008, "LCU-hour of a load balancer", "awsnegotiations.com, “Elastic Load Balancer Cost”, 2026"
)
WRITE_UNITS = Price(
    0.625, "million write request units", "Airbyte, “Amazon DynamoDB Pricing”, July 2025"
)
READ_UNITS = Price(
    0.125, "million read request units", "Airbyte, “Amazon DynamoDB Pricing”, July 2025"
)
GIB_STORED = Price(
    0.25, "GB-month in the table", "AWS, “Amazon DynamoDB pricing”, a copy without a date"
)
GIB_LOGGED = Price(
    0.50, "GB of logs taken in", "C3X, “CloudWatch Logs cost optimization”, June 2026"
)
PRICES = (
    VCPU_HOUR,
    GIB_SECOND,
    FUNCTION_CALLS,
    API_CALLS,
    LCU_HOUR,
    WRITE_UNITS,
    READ_UNITS,
    GIB_STORED,
    GIB_LOGGED,
)


@dataclass(frozen=True)
class Row:
    """What costs, dollars a day under two configurations (None: no bound is known), its bound."""

    door: str
    what: str
    default: float | None
    tight: float | None
    bound: str


def rows() -> Iterator[Row]:
    """Yield what an open door's callers can cost, row by row."""
    plain = Config()
    for door, what, cost, bound in (
        ("both", "Spot instances", _spot, "`compute.max_vcpus`"),
        ("both", "instances on demand", _on_demand, "`compute.on_demand_fallback`"),
        ("both", "receiver and API, running", _functions, "`functions.reserved_concurrency`"),
        ("both", "writes to the table", _writes, "`job_table.max_write_units`"),
        ("both", "reads of the table", _reads, "the quota of the table"),
        ("`restapi`", "requests", _requests, "`api.requests_per_second`"),
        ("`restapi`", "logs", _logs, "`api.requests_per_second`"),
    ):
        yield Row(door, what, cost(plain), cost(TIGHT), bound)
    yield Row("`alb`", "requests and their logs", None, None, "`api.allowed_cidrs`, a web ACL")


def _spot(config: Config) -> float:
    return config.compute.max_vcpus * 24 * VCPU_HOUR.dollars


def _on_demand(config: Config) -> float:
    return _spot(config) if config.compute.on_demand_fallback else 0.0


def _functions(config: Config) -> float:
    """Two functions, each as often at once as is reserved for it, else all that the account has."""
    reserved = config.functions.reserved_concurrency
    at_once = CONCURRENT_EXECUTIONS if reserved is None else 2 * reserved
    gib = at_once * config.functions.memory_mib / MIB_A_GIB
    return gib * SECONDS_A_DAY * GIB_SECOND.dollars


def _write_units(config: Config) -> int:
    return config.job_table.max_write_units or TABLE_UNITS_PER_SECOND


def _writes(config: Config) -> float:
    return _write_units(config) * SECONDS_A_DAY / MILLION * WRITE_UNITS.dollars


def _reads(_: Config) -> float:
    return TABLE_UNITS_PER_SECOND * SECONDS_A_DAY / MILLION * READ_UNITS.dollars


def _requests(config: Config) -> float:
    millions = config.api.requests_per_second * SECONDS_A_DAY / MILLION
    return millions * (API_CALLS.dollars + FUNCTION_CALLS.dollars)


def _logs(config: Config) -> float:
    a_second = config.api.requests_per_second * (FUNCTION_LOG_KIB + ACCESS_LOG_KIB)
    return a_second * SECONDS_A_DAY / KIB_A_GIB * GIB_LOGGED.dollars


def sentences() -> Iterator[str]:
    """Yield what the table can't say: what stays afterwards, and doors that have no bound."""
    for name, config in (("the defaults", Config()), ("the tight settings", TIGHT)):
        gib = _write_units(config) * SECONDS_A_DAY / KIB_A_GIB
        yield (
            f"With {name} a day of writes leaves up to {gib:,.0f} GiB in the table, "
            f"{_money(gib * GIB_STORED.dollars)} a month."
        )
    lcus = CONNECTIONS_PER_SECOND / CONNECTIONS_AN_LCU
    yield (
        f"Each {CONNECTIONS_PER_SECOND:,} new connections a second to a load balancer cost "
        f"{_money(lcus * 24 * LCU_HOUR.dollars)} a day in capacity units."
    )
    refused = API_GATEWAY_REQUESTS_PER_SECOND * ACCESS_LOG_KIB * SECONDS_A_DAY / KIB_A_GIB
    yield (
        f"With `auth: iam` {API_GATEWAY_REQUESTS_PER_SECOND:,} refused requests a second would "
        f"cost {_money(refused * GIB_LOGGED.dollars)} a day in lines of the access log."
    )


def _money(dollars: float | None) -> str:
    return "unknown" if dollars is None else f"${dollars:,.2f}"


def _price(dollars: float) -> str:
    """Return a price with all its digits, and cents at least."""
    whole, _, decimals = f"{dollars:.10f}".rstrip("0").partition(".")
    return f"${whole}.{decimals:0<2}"


def table(titles: Sequence[str], lines: Iterator[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    yield _line(titles)
    yield _line(["---"] * len(titles))
    yield from map(_line, lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print both tables, and what they can't say."""
    found = tuple(rows())
    costs = (
        (each.door, each.what, _money(each.default), _money(each.tight), each.bound)
        for each in found
    )
    print("\n".join(table(("front door", "what", "defaults", "tight", "bound"), costs)), end="\n\n")
    print("\n".join(f"- {each}" for each in sentences()), end="\n\n")
    prices = ((_price(each.dollars), each.unit, each.source) for each in PRICES)
    print("\n".join(table(("price", "for one", "source"), prices)))


if __name__ == "__main__":
    main()
