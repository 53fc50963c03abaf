"""`init` asks at a terminal whom the API is to let in, and writes it into config.yaml."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from batchctl.config import Api, load
from batchctl.packaging import config_template

Batchctl = Callable[..., Result]


@pytest.fixture
def empty(folder: Path) -> Path:
    """A folder without a config.yaml."""
    (folder / "config.yaml").unlink()
    return folder / "config.yaml"


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Click's test input says that it is a terminal."""
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _self: True)


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize(
    ("answers", "api"),
    [
        ("1\n", Api(mode="restapi", auth="iam")),
        (
            "2\n203.0.113.0/24 198.51.100.7/32\n",
            Api(allowed_cidrs=("203.0.113.0/24", "198.51.100.7/32")),
        ),
        ("2\n203.0.113.7\n203.0.113.7/32\n", Api(allowed_cidrs=("203.0.113.7/32",))),
        ("3\n", Api()),
    ],
)
def test_the_answer_is_what_config_yaml_says(
    batchctl: Batchctl, empty: Path, answers: str, api: Api
) -> None:
    made = batchctl("init", input=answers)
    assert made.exit_code == 0, made.stderr
    assert load(empty).api == api
    lines, template = (each.read_text().splitlines() for each in (empty, config_template()))
    # Only what was answered differs, and every comment stays.
    assert [each.partition("#")[2] for each in lines] == [
        each.partition("#")[2] for each in template
    ]


def test_without_a_terminal_it_is_the_default_and_that_is_said(
    batchctl: Batchctl, empty: Path
) -> None:
    made = batchctl("init")
    assert made.exit_code == 0, made.stderr
    assert empty.read_bytes() == config_template().read_bytes()
    assert "WARNING: once deployed to AWS, anyone on the internet can submit jobs" in made.stderr


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize(
    ("networks", "is_open"), [("0.0.0.0/1 128.0.0.0/1", True), ("203.0.113.0/24", False)]
)
def test_networks_as_wide_as_the_internet_are_warned_of(
    batchctl: Batchctl, empty: Path, networks: str, is_open: bool
) -> None:
    made = batchctl("init", input=f"2\n{networks}\n")
    assert made.exit_code == 0, made.stderr
    assert load(empty).api.allowed_cidrs == tuple(networks.split())
    warning = "WARNING: once deployed to AWS, anyone on the internet can submit jobs"
    assert (warning in made.stderr) is is_open
