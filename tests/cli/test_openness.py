"""An open front door is said and asked for; what is loosened needs an answer of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from calls import Calls
from click.testing import Result

Batchctl = Callable[..., Result]
IMAGE = "compute: {image: 'x:1'}\n"
OPEN_OVER_HTTP = (
    "WARNING: anyone on the internet can submit jobs and read results, over plain HTTP: limit "
    "the networks that can call it (`api.allowed_cidrs`) and set `api.certificate_arn`, or only "
    "allow signed requests (`batchctl up --api-mode restapi --auth iam`)"
)
OPEN_API = (
    "WARNING: anyone on the internet can submit jobs and read results: only allow signed requests "
    "(`batchctl up --auth iam`)"
)
ASKED = "allow anyone on the internet to call the API?"
LOOSENED = "apply the changes marked LOOSENED?"


@pytest.fixture
def config(folder: Path) -> Callable[[str], None]:
    """Write config.yaml with these settings of the front door."""

    def write(api: str) -> None:
        (folder / "config.yaml").write_text(f"api: {api}\n{IMAGE}")

    return write


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Click's test input says that it is a terminal."""
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _self: True)


def ingress(region: str = "us-east-1") -> Any:
    """The rules of the load balancer's security group."""
    ec2: Any = boto3.client("ec2", region_name=region)
    named = [{"Name": "group-name", "Values": ["batchapp-load-balancer"]}]
    return ec2, ec2.describe_security_groups(Filters=named)["SecurityGroups"][0]


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("api", "warned"),
    [
        ("{}", OPEN_OVER_HTTP),
        ("{allowed_cidrs: [0.0.0.0/1, 128.0.0.0/1]}", OPEN_OVER_HTTP),
        ("{allowed_cidrs: [203.0.113.0/24]}", None),
        ("{allowed_cidrs: [10.0.0.0/8]}", None),
        (
            "{mode: restapi}",
            OPEN_API,
        ),
        ("{mode: restapi, auth: iam}", None),
    ],
)
def test_a_plan_says_whom_an_open_door_lets_in(
    batchctl: Batchctl, config: Callable[[str], None], api: str, warned: str | None
) -> None:
    config(api)
    planned = batchctl("plan")
    assert planned.exit_code == 0, planned.stderr
    found = [line for line in planned.stderr.splitlines() if line.startswith("WARNING: ")]
    assert found == ([warned] if warned else [])


@pytest.mark.usefixtures("account", "terminal")
def test_an_open_door_is_asked_for_once(batchctl: Batchctl, calls: Calls, folder: Path) -> None:
    refused = batchctl("up", input="y\nn\n")
    assert refused.exit_code == 1
    assert ASKED in refused.stderr
    assert calls.writes == []
    assert batchctl("up", input="y\ny\n").exit_code == 0
    with (folder / "config.yaml").open("a") as more:
        more.write("queue: {max_receive_count: 6}\n")
    again = batchctl("up", input="y\n")
    assert again.exit_code == 0, again.stderr
    assert ASKED not in again.stderr
    state = json.loads((folder / ".batchctl" / "batchapp.state.json").read_text())
    assert (state["api_cidrs"], state["api_scheme"]) == (["0.0.0.0/0"], "http")


@pytest.mark.usefixtures("account", "terminal")
def test_a_closed_door_is_not_asked_for(batchctl: Batchctl, config: Callable[[str], None]) -> None:
    config("{allowed_cidrs: [203.0.113.0/24]}")
    made = batchctl("up", input="y\n")
    assert made.exit_code == 0, made.stderr
    assert ASKED not in made.stderr


@pytest.mark.usefixtures("account")
def test_yes_does_not_widen_the_networks_and_loosen_does(
    batchctl: Batchctl, config: Callable[[str], None], calls: Calls
) -> None:
    config("{allowed_cidrs: [203.0.113.0/24]}")
    assert batchctl("up", "--yes").exit_code == 0
    config("{allowed_cidrs: [203.0.113.0/24, 198.51.100.0/24]}")
    calls.made.clear()
    refused = batchctl("up", "--yes")
    assert refused.exit_code == 2
    said = "`batchapp-load-balancer` will accept 198.51.100.0/24, which it refuses today"
    assert f"LOOSENED: {said}" in refused.stderr
    assert "`batchctl up --yes --loosen`" in refused.stderr
    assert calls.writes == []
    planned = json.loads(batchctl("plan", "--json").stdout)["front_door"]
    assert planned["loosened"] == [said]
    assert batchctl("up", "--yes", "--loosen").exit_code == 0
    assert len(ingress()[1]["IpPermissions"][0]["IpRanges"]) == 2
    # The same addresses by other names, and fewer of them, let nobody in.
    config("{allowed_cidrs: [203.0.113.0/25, 203.0.113.128/25]}")
    assert batchctl("up", "--yes").exit_code == 0


@pytest.mark.usefixtures("account")
def test_what_was_narrowed_by_hand_is_not_widened_with_yes(batchctl: Batchctl) -> None:
    assert batchctl("up", "--yes").exit_code == 0
    ec2, group = ingress()
    permission = {"IpProtocol": "tcp", "FromPort": 9999, "ToPort": 9999}
    for call, cidr in (
        (ec2.authorize_security_group_ingress, "10.0.0.0/8"),
        (ec2.revoke_security_group_ingress, "0.0.0.0/0"),
    ):
        rule = {**permission, "IpRanges": [{"CidrIp": cidr}]}
        call(GroupId=group["GroupId"], IpPermissions=[rule])
    refused = batchctl("up", "--yes")
    assert refused.exit_code == 2
    assert "will accept 0.0.0.0/0, which it refuses today" in refused.stderr
    assert ingress()[1]["IpPermissions"][0]["IpRanges"] == [{"CidrIp": "10.0.0.0/8"}]
    assert batchctl("up", "--yes", "--loosen").exit_code == 0


@pytest.mark.usefixtures("account", "terminal")
def test_a_dropped_certificate_is_asked_for(
    batchctl: Batchctl, config: Callable[[str], None]
) -> None:
    acm: Any = boto3.client("acm", region_name="us-east-1")
    arn = acm.request_certificate(DomainName="jobs.example")["CertificateArn"]
    config(f"{{certificate_arn: '{arn}', allowed_cidrs: [203.0.113.0/24]}}")
    assert batchctl("up", "--yes").exit_code == 0
    elbv2: Any = boto3.client("elbv2", region_name="us-east-1")
    balancer = elbv2.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
    listener = elbv2.describe_listeners(LoadBalancerArn=balancer)["Listeners"][0]
    # Somebody chose a stricter policy: back to ours is weaker.
    elbv2.modify_listener(
        ListenerArn=listener["ListenerArn"], SslPolicy="ELBSecurityPolicy-TLS13-1-3-PQ-2025-09"
    )
    weaker = batchctl("up", "--yes")
    assert weaker.exit_code == 2
    assert "the load balancer takes weaker encryption" in weaker.stderr
    config("{allowed_cidrs: [203.0.113.0/24]}")
    refused = batchctl("up", input="y\nn\n")
    assert refused.exit_code == 1
    assert "LOOSENED: the load balancer no longer speaks HTTPS" in refused.stderr
    assert LOOSENED in refused.stderr
    done = batchctl("up", input="y\ny\n")
    assert done.exit_code == 0, done.stderr


@pytest.mark.usefixtures("account")
def test_limits_that_were_set_by_hand_are_not_lifted_with_yes(batchctl: Batchctl) -> None:
    assert batchctl("up", "--yes").exit_code == 0
    functions: Any = boto3.client("lambda", region_name="us-east-1")
    functions.put_function_concurrency(
        FunctionName="batchapp-TaskReceiver", ReservedConcurrentExecutions=3
    )
    refused = batchctl("up", "--yes")
    assert refused.exit_code == 2
    assert "`batchapp-TaskReceiver` can run without a limit at once" in refused.stderr
    limited = functions.get_function_concurrency(FunctionName="batchapp-TaskReceiver")
    assert limited["ReservedConcurrentExecutions"] == 3


@pytest.mark.usefixtures("account")
def test_a_narrow_load_balancer_does_not_become_an_open_api_with_yes(
    batchctl: Batchctl, config: Callable[[str], None]
) -> None:
    config("{allowed_cidrs: [10.0.0.0/8]}")
    assert batchctl("up", "--yes").exit_code == 0
    config("{mode: restapi}")
    refused = batchctl("up", "--yes", "--api-mode", "restapi")
    assert refused.exit_code == 2
    assert (
        "LOOSENED: the front door will accept 0.0.0.0/0, which it refuses today" in refused.stderr
    )
    signed = batchctl("up", "--yes", "--api-mode", "restapi", "--auth", "iam")
    assert signed.exit_code == 0, signed.stderr
