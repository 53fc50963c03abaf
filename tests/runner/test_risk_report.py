"""The sample compute function against figures worked out in other ways."""

from __future__ import annotations

import csv
import itertools
import json
import math
import os
import random
import subprocess
import sys
from statistics import NormalDist
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import compute

SYMBOLS = ["AAPL", "AMZN", "GOOG", "IBM", "MSFT"]


@pytest.fixture
def apple_closes() -> list[float]:
    with compute.PRICES_CSV.open(newline="") as file:
        return [float(close) for symbol, _, close in csv.reader(file) if symbol == "AAPL"]


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_symbol_with_prices_is_reported_from_them(symbol: str) -> None:
    report = compute.compute(symbol, {"paths": 100})

    assert report["source"] == "prices"
    assert report["months"] == len(compute.load_closes()[symbol]) - 1


def test_symbol_without_prices_is_reported_from_the_model() -> None:
    report = compute.compute("000002.XSHE", {"paths": 100, "annual_volatility": 0.4})

    assert report["source"] == "model"
    assert report["annual_volatility"] == 0.4
    assert report["annual_return"] == 0


def test_annual_return_compounds_to_the_last_close(apple_closes: list[float]) -> None:
    report = compute.compute("AAPL", {"paths": 100})

    years = report["months"] / 12
    assert apple_closes[0] * (1 + report["annual_return"]) ** years == pytest.approx(
        apple_closes[-1], rel=1e-4
    )


def test_annual_volatility_is_that_of_the_monthly_returns(apple_closes: list[float]) -> None:
    report = compute.compute("AAPL", {"paths": 100})

    returns = [math.log(b) - math.log(a) for a, b in itertools.pairwise(apple_closes)]
    mean = sum(returns) / len(returns)
    variance = sum((one - mean) ** 2 for one in returns) / (len(returns) - 1)
    assert report["annual_volatility"] == pytest.approx(math.sqrt(12 * variance), abs=1e-6)


def test_max_drawdown_is_the_worst_of_all_pairs_of_months(apple_closes: list[float]) -> None:
    report = compute.compute("AAPL", {"paths": 100})

    worst = max(1 - later / earlier for earlier, later in itertools.combinations(apple_closes, 2))
    assert report["max_drawdown"] == pytest.approx(worst, abs=1e-6)


@given(st.lists(st.floats(-0.5, 0.5), min_size=1, max_size=15))
def test_max_drawdown_of_any_path_is_the_worst_of_all_pairs(log_returns: list[float]) -> None:
    levels = [math.exp(level) for level in itertools.accumulate(log_returns, initial=0.0)]

    worst = max(1 - later / earlier for earlier, later in itertools.combinations(levels, 2))
    assert compute.max_drawdown(log_returns) == pytest.approx(max(worst, 0), abs=1e-9)


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_value_at_risk_of_the_model_agrees_with_the_closed_form(confidence: float) -> None:
    parameters = {"paths": 40_000, "annual_volatility": 0.3, "confidence": confidence}

    report = compute.compute("000002.XSHE", parameters)

    worst_log_gain = NormalDist(-(0.3**2) / 2, 0.3).inv_cdf(1 - confidence)
    assert report["value_at_risk"] == pytest.approx(1 - math.exp(worst_log_gain), abs=0.008)


def test_value_at_risk_of_a_bootstrap_agrees_with_the_binomial_distribution() -> None:
    # as many months of +10 % as of -10 %: the number of good months in a year is binomial, and
    # at most 2 of 12 have a probability of 1.9 %, at most 3 of 7.3 %
    changes = itertools.accumulate([1.1, 0.9] * 30, lambda level, factor: level * factor)

    report = compute.report_from_closes(
        [1.0, *changes],
        compute.Parameters(confidence=0.95),
        random.Random(1),  # noqa: S311  # a simulation, no secret
    )

    assert report["value_at_risk"] == pytest.approx(1 - 1.1**3 * 0.9**9)


def test_value_at_risk_is_the_loss_that_the_share_of_outcomes_does_not_exceed() -> None:
    gains = [math.log(1 + percent / 100) for percent in range(-50, 50)]

    assert compute.value_at_risk(gains, 0.9) == pytest.approx(0.40)
    assert compute.value_at_risk(gains, 0.5) == pytest.approx(0.0)


def test_report_is_the_same_in_every_process() -> None:
    program = (
        "import json, compute;"
        " print(json.dumps([compute.compute(symbol, {'paths': 500}) for symbol in ('IBM', 'X')]))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "1234"}

    process = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        cwd=compute.PRICES_CSV.parent,
        capture_output=True,
        check=True,
    )

    here = [compute.compute(symbol, {"paths": 500}) for symbol in ("IBM", "X")]
    assert json.loads(process.stdout) == here


def test_symbols_without_prices_draw_numbers_of_their_own() -> None:
    first = compute.compute("000002.XSHE", {"paths": 100})
    second = compute.compute("000004.XSHE", {"paths": 100})

    assert first["value_at_risk"] != second["value_at_risk"]


def test_report_holds_any_item_and_is_json() -> None:
    report = compute.compute("\u6d66\u53d1\u94f6\u884c \ud800", {"paths": 100})

    assert json.loads(json.dumps(report, allow_nan=False)) == report


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"path": 100}, "unknown parameter `path`"),
        ({"paths": 99}, "`paths` must be an integer from 100 to 1000000, is 99"),
        ({"paths": 1_000_001}, "is 1000001"),
        ({"paths": 1000.5}, "an integer"),
        ({"paths": True}, "is True"),
        ({"paths": "1000"}, "is '1000'"),
        ({"confidence": 95}, "`confidence` must be a number from 0.5 to 0.9999, is 95"),
        ({"confidence": math.nan}, "is nan"),
        ({"annual_volatility": 0}, "`annual_volatility` must be a number"),
        ({"annual_volatility": None}, "is None"),
    ],
)
def test_wrong_parameter_is_named(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compute.compute("AAPL", parameters)
