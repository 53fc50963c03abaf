"""The choice of the front door as a user meets it: flags, config.yaml, what is deployed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from calls import Calls
from click.testing import Result
from slices import one_in

Batchctl = Callable[..., Result]
ALB, OPEN, SIGNED = ("alb", "none"), ("restapi", "none"), ("restapi", "iam")
DOORS = (ALB, OPEN, SIGNED)
IMAGE = "compute: {image: 'x:1'}\n"


def flags(door: tuple[str, str]) -> tuple[str, ...]:
    return ("--api-mode", door[0], "--auth", door[1])


@pytest.fixture
def config(folder: Path) -> Callable[[str], None]:
    """Write config.yaml with these settings of the front door."""

    def write(api: str) -> None:
        (folder / "config.yaml").write_text(f"api: {api}\n{IMAGE}")

    return write


def front_door(batchctl: Batchctl, *arguments: str) -> Any:
    planned = batchctl("plan", "--json", *arguments)
    assert planned.exit_code == 0, planned.stderr
    return json.loads(planned.stdout)["front_door"]


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("number", one_in(3, range(3)))
def test_the_guard_in_all_combinations(
    batchctl: Batchctl, config: Callable[[str], None], calls: Calls, number: int
) -> None:
    deployed = (SIGNED, ALB, OPEN)[number]
    assert batchctl("up", "--yes", *flags(deployed)).exit_code == 0
    calls.made.clear()
    for wanted in DOORS:
        config(f"{{mode: {wanted[0]}, auth: {wanted[1]}}}")
        without = batchctl("plan")
        assert (without.exit_code == 0) == (wanted == deployed), without.stderr
        if wanted != deployed:
            assert without.exit_code == 2
            assert f"deployed is `{deployed[wanted[0] == deployed[0]]}`" in without.stderr
            assert "batchctl up {} {} {} {}".format(*flags(deployed)) in without.stderr
            assert "batchctl up {} {} {} {}".format(*flags(wanted)) in without.stderr
        with_flags = front_door(batchctl, *flags(wanted))
        assert with_flags["loosens"] == (deployed == SIGNED and wanted != SIGNED)
        kept = front_door(batchctl, *flags(deployed))
        assert kept["from"] == kept["to"]
    assert calls.writes == []


@pytest.mark.usefixtures("account")
def test_yes_alone_never_loosens(batchctl: Batchctl, config: Callable[[str], None]) -> None:
    assert batchctl("up", "--yes", *flags(SIGNED)).exit_code == 0
    config("{mode: restapi, auth: none}")
    refused = batchctl("up", "--yes")
    assert refused.exit_code == 2
    assert "`api.auth` in config.yaml is `none`, deployed is `iam`" in refused.stderr
    said = batchctl("up", "--yes", "--auth", "none")
    assert said.exit_code == 0, said.stderr
    assert "LOOSENED" in said.stderr
    assert batchctl("up", "--yes").exit_code == 0


@pytest.mark.usefixtures("account")
def test_a_load_balancer_is_asked_for_with_one_flag(batchctl: Batchctl) -> None:
    assert batchctl("up", "--yes", *flags(SIGNED)).exit_code == 0
    changed = batchctl("up", "--yes", "--api-mode", "alb")
    assert changed.exit_code == 0, changed.stderr
    assert "LOOSENED" in changed.stderr
    assert "- rest_api.api" in changed.stderr
    assert "endpoint: http://batchapp-api" in changed.stderr


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Click's test input says that it is a terminal."""
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _self: True)


@pytest.mark.usefixtures("account", "terminal")
def test_what_loosens_is_asked_for_by_itself_and_remembered_after_a_yes_only(
    batchctl: Batchctl, calls: Calls
) -> None:
    assert batchctl("up", "--yes", *flags(SIGNED)).exit_code == 0
    calls.made.clear()
    refused = batchctl("up", *flags(OPEN), input="y\nn\n")
    assert refused.exit_code == 1
    assert "allow requests without a signature?" in refused.stderr
    assert calls.writes == []
    assert front_door(batchctl, *flags(SIGNED))["from"] == {"mode": "restapi", "auth": "iam"}
    tightened = batchctl("up", *flags(SIGNED), input="y\n")
    assert "allow requests without a signature?" not in tightened.stderr


@pytest.mark.usefixtures("account")
def test_flags_complete_what_config_says(batchctl: Batchctl, config: Callable[[str], None]) -> None:
    config("{auth: iam}")
    alone = batchctl("plan")
    assert alone.exit_code == 2
    assert "api.auth: must be `none` when api.mode is `alb`" in alone.stderr
    assert "use `restapi` for `iam`" in alone.stderr
    assert batchctl("up", "--yes", "--api-mode", "restapi").exit_code == 0
    # What isn't `up` goes by what is deployed.
    status = batchctl("status", "--json")
    assert status.exit_code == 0, status.stderr
    role = "arn:aws:iam::123456789012:role/batchapp-API-Execute-Role"
    assert json.loads(status.stdout)["execute_role"] == role
    config("{}")
    combined = batchctl("plan", "--auth", "iam", "--api-mode", "alb")
    assert combined.exit_code == 2
    assert "could not use `--api-mode alb` and `--auth iam`" in combined.stderr


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("region", "partition", "suffix"),
    one_in(
        3,
        [
            ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
            ("us-east-1", "aws", "amazonaws.com"),
            ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
        ],
    ),
)
def test_the_rest_api_in_every_partition(
    batchctl: Batchctl, calls: Calls, region: str, partition: str, suffix: str
) -> None:
    first = batchctl("up", "--yes", *flags(SIGNED))
    assert first.exit_code == 0, first.stderr
    for other in {"aws", "aws-cn", "aws-us-gov"} - {partition}:
        assert f"arn:{other}:" not in calls.sent
    api = boto3.client("apigateway", region_name=region).get_rest_apis()["items"][0]
    assert f"https://{api['id']}.execute-api.{region}.{suffix}/api\n" in first.stderr
    account = "123456789012"
    role = f"arn:{partition}:iam::{account}:role/batchapp-API-Execute-Role"
    assert role in first.stderr
    iam = boto3.client("iam", region_name=region)
    trust = iam.get_role(RoleName="batchapp-API-Execute-Role")["Role"]["AssumeRolePolicyDocument"]
    policy = iam.get_role_policy(RoleName="batchapp-API-Execute-Role", PolicyName="batchctl")
    documents: Any = trust, policy["PolicyDocument"]
    (trusted,), (allowed,) = (each["Statement"] for each in documents)
    assert trusted["Principal"] == {"AWS": [f"arn:{partition}:iam::{account}:root"]}
    assert allowed["Action"] == ["execute-api:Invoke"]
    called = f"arn:{partition}:execute-api:{region}:{account}:{api['id']}/api/*"
    assert allowed["Resource"] == [called]
    calls.made.clear()
    again = batchctl("up", "--yes", *flags(SIGNED))
    assert "no changes" in again.stderr
    assert calls.writes == []
    assert len(calls.made) < 82
    assert batchctl("down", "--yes").exit_code == 0
    assert boto3.client("apigateway", region_name=region).get_rest_apis()["items"] == []


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("region", ["cn-north-1", "us-east-1"])
def test_in_china_an_open_rest_api_is_warned_of(batchctl: Batchctl, region: str) -> None:
    planned = batchctl("plan", *flags(OPEN))
    assert ("ICP filing" in planned.stderr) == (region == "cn-north-1")
    assert "--auth iam" in planned.stderr
    assert front_door(batchctl, *flags(SIGNED))["warnings"] == []
