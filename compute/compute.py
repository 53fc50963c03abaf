"""The sample compute function: a risk report for one stock symbol.

Put your own `compute(item, parameters)` in its place: it is called once for each item of the
universe. This one uses the standard library alone; packages go into a requirements.txt beside it.
"""

from __future__ import annotations

import csv
import dataclasses
import functools
import hashlib
import itertools
import json
import math
import random
import statistics
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

PRICES_CSV = Path(__file__).with_name("prices.csv")
MONTHS_PER_YEAR = 12
DIGITS = 6  # of every figure: the last bits of a sum of floats differ between Python versions


@dataclasses.dataclass(frozen=True)
class Parameters:
    """What a job's `parameters` may hold; each is optional.

    paths: simulated years, 100 to 1,000,000. confidence: of the value at risk, 0.5 to 0.9999.
    annual_volatility: of symbols without prices, as a fraction, 0.0001 to 5.
    """

    paths: int = 10_000
    confidence: float = 0.95
    annual_volatility: float = 0.30


LIMITS = {"paths": (100, 1_000_000), "confidence": (0.5, 0.9999), "annual_volatility": (0.0001, 5)}


def compute(item: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the risk report of the symbol `item`; the same item and parameters give the same one.

    All figures are fractions (0.25 is 25 %) of monthly closing prices.

    - source: `prices` where prices.csv has the symbol, else `model`: monthly log returns from a
      normal distribution with `parameters.annual_volatility` and an expected gain of zero
    - months: how many monthly returns of the past the figures rest on (model: 0)
    - annual_return: compound growth a year from the first close to the last (model: 0)
    - annual_volatility: sample standard deviation of the monthly log returns, times the square root
      of 12 (model: the parameter)
    - max_drawdown: the deepest fall from a close to a later one, as a fraction of the former
      (model: the median of the deepest falls within the simulated years)
    - value_at_risk: the loss over one year that is exceeded with a probability of 1 - confidence,
      from `paths` simulated years of 12 monthly returns, drawn with replacement from the symbol's
      own (bootstrap) or from the model; negative where even that outcome is a gain
    - confidence, paths: as used

    Raises ValueError when a parameter is unknown, of a wrong type or out of range.
    """
    checked = check_parameters(parameters)
    generator = random.Random(seed(item, checked))  # noqa: S311  # a simulation, no secret
    closes = load_closes().get(item)
    if closes is None:
        figures = report_from_model(checked, generator)
    else:
        figures = report_from_closes(closes, checked, generator)
    rounded = {name: round(figure, DIGITS) for name, figure in figures.items()}
    source = "model" if closes is None else "prices"
    return {"source": source, **rounded, "confidence": checked.confidence, "paths": checked.paths}


def report_from_closes(
    closes: list[float], parameters: Parameters, generator: random.Random
) -> dict[str, float]:
    """Return the figures of a symbol with at least three monthly closes, oldest first."""
    returns = [math.log(later / earlier) for earlier, later in itertools.pairwise(closes)]
    gains = [
        math.fsum(generator.choices(returns, k=MONTHS_PER_YEAR)) for _ in range(parameters.paths)
    ]
    return {
        "months": len(returns),
        "annual_return": math.expm1(statistics.fmean(returns) * MONTHS_PER_YEAR),
        "annual_volatility": statistics.stdev(returns) * math.sqrt(MONTHS_PER_YEAR),
        "max_drawdown": max_drawdown(returns),
        "value_at_risk": value_at_risk(gains, parameters.confidence),
    }


def report_from_model(parameters: Parameters, generator: random.Random) -> dict[str, float]:
    """Return the figures of a symbol of which nothing but an assumed volatility is known."""
    deviation = parameters.annual_volatility / math.sqrt(MONTHS_PER_YEAR)
    mean = -(deviation**2) / 2  # the expected price a month ahead is then today's price
    gains, falls = [], []
    for _ in range(parameters.paths):
        year = [generator.gauss(mean, deviation) for _ in range(MONTHS_PER_YEAR)]
        gains.append(math.fsum(year))
        falls.append(max_drawdown(year))
    return {
        "months": 0,
        "annual_return": 0.0,
        "annual_volatility": parameters.annual_volatility,
        "max_drawdown": statistics.median(falls),
        "value_at_risk": value_at_risk(gains, parameters.confidence),
    }


def max_drawdown(log_returns: Iterable[float]) -> float:
    """Return the deepest fall from a peak to a later trough, as a fraction of the peak (0 to 1)."""
    level = peak = deepest = 0.0
    for log_return in log_returns:
        level += log_return
        peak = max(peak, level)
        deepest = min(deepest, level - peak)
    return 1 - math.exp(deepest)


def value_at_risk(log_gains: Iterable[float], confidence: float) -> float:
    """Return the loss (a fraction) that a share of `confidence` of the outcomes doesn't exceed."""
    ordered = sorted(log_gains, reverse=True)  # the best outcome first
    return 1 - math.exp(ordered[math.ceil(confidence * len(ordered)) - 1])


def check_parameters(parameters: Mapping[str, Any]) -> Parameters:
    """Return `parameters` with defaults filled in; ValueError names the one that is wrong."""
    unknown = sorted(set(parameters) - set(LIMITS))
    if unknown:
        raise ValueError(f"unknown parameter `{unknown[0]}`: use {', '.join(sorted(LIMITS))}")
    for name, value in parameters.items():
        check_number(name, value)
    return Parameters(**parameters)


def check_number(name: str, value: Any) -> None:
    """Raise ValueError unless `value` is a number that the parameter `name` may have."""
    lowest, highest = LIMITS[name]
    wanted, kinds = ("an integer", int) if name == "paths" else ("a number", (int, float))
    # bool is a subclass of int; a comparison with NaN is always false
    if isinstance(value, bool) or not isinstance(value, kinds) or not lowest <= value <= highest:
        raise ValueError(f"`{name}` must be {wanted} from {lowest} to {highest}, is {value!r}")


def seed(item: str, parameters: Parameters) -> int:
    """Return a seed that item and parameters fix on every machine, as Python's hash() doesn't."""
    identity = json.dumps([item, dataclasses.asdict(parameters)], sort_keys=True)
    return int.from_bytes(hashlib.sha256(identity.encode()).digest())


@functools.cache
def load_closes() -> dict[str, list[float]]:
    """Return the monthly closes in US dollars of each symbol in prices.csv, oldest first."""
    with PRICES_CSV.open(newline="", encoding="utf-8") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: (row["symbol"], row["month"]))
    return {
        symbol: [float(row["close_usd"]) for row in months]
        for symbol, months in itertools.groupby(rows, key=lambda row: row["symbol"])
    }
