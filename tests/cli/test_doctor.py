"""`batchctl doctor`: a good account, three broken ones, and what it may not look at."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from calls import Calls
from click.testing import Result

Batchctl = Callable[..., Result]
pytestmark = pytest.mark.usefixtures("account")

QUOTAS = {"L-34B43A08": 256.0, "L-1216C47A": 256.0}
LINKED = {
    "batch.amazonaws.com": "AWSServiceRoleForBatch",
    "ecs.amazonaws.com": "AWSServiceRoleForECS",
    "spot.amazonaws.com": "AWSServiceRoleForEC2Spot",
}


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What an account answers that moto doesn't know: an exception is raised; recorded forms."""
    limits = {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 900}
    found: dict[str, Any] = {
        "ListServiceQuotas": {
            "Quotas": [{"QuotaCode": code, "Value": value} for code, value in QUOTAS.items()]
        },
        "GetAccountSettings": {"AccountLimit": limits, "AccountUsage": {}},
        "SimulatePrincipalPolicy": {"EvaluationResults": []},
    }
    make = vars(BaseClient)["_make_api_call"]

    def answer(client: Any, operation: str, parameters: Any) -> Any:
        known = found.get(operation)
        if isinstance(known, Exception):
            raise known
        return make(client, operation, parameters) if known is None else known

    monkeypatch.setattr(BaseClient, "_make_api_call", answer)
    return found


def checks(result: Result) -> dict[str, dict[str, Any]]:
    """Return what `--json` printed, by check."""
    return {each["check"]: each for each in json.loads(result.stdout)["checks"]}


@pytest.fixture
def linked(account: None) -> None:
    """The roles of AWS's services, as an account has them that was used before."""
    del account
    for service, name in LINKED.items():
        # moto names the roles by rules of its own.
        boto3.client("iam").create_role(
            RoleName=name, Path=f"/aws-service-role/{service}/", AssumeRolePolicyDocument="{}"
        )


@pytest.mark.usefixtures("answers", "linked")
def test_a_good_account_is_told_as_fine(batchctl: Batchctl) -> None:
    result = batchctl("doctor", "--json")
    found = checks(result)
    assert {name: each["level"] for name, each in found.items() if each["level"] != "ok"} == {}
    assert result.exit_code == 0
    assert len(found) >= 12
    assert "in account 123456789012" in found["credentials"]["findings"][0]["found"]


@pytest.mark.usefixtures("answers", "linked")
def test_nothing_is_changed(batchctl: Batchctl, calls: Calls) -> None:
    assert batchctl("doctor").exit_code == 0
    assert calls.writes == []
    assert len(calls.made) < 160


@pytest.mark.usefixtures("linked")
def test_what_the_caller_lacks_is_named_before_up(
    batchctl: Batchctl, answers: dict[str, Any]
) -> None:
    lacking = ("sqs:CreateQueue", "iam:PassRole")
    answers["SimulatePrincipalPolicy"]["EvaluationResults"] = [
        {"EvalActionName": "sqs:TagQueue", "EvalDecision": "allowed"},
        *({"EvalActionName": each, "EvalDecision": "implicitDeny"} for each in lacking),
    ]
    found = checks(batchctl("doctor", "--json"))["permissions"]
    assert found["level"] == "problem"
    told = found["findings"][0]
    assert told["found"] == "the credentials don't allow iam:PassRole, sqs:CreateQueue"
    assert "`batchctl policy --for up`" in told["fix"]


@pytest.mark.usefixtures("answers", "linked")
def test_each_statement_is_simulated_for_the_caller_on_its_resources(
    batchctl: Batchctl, calls: Calls
) -> None:
    batchctl("doctor")
    asked = calls.count("SimulatePrincipalPolicy")
    assert 20 < asked < 60


@pytest.mark.usefixtures("linked")
def test_a_new_account_has_few_vcpus_and_functions(
    batchctl: Batchctl, answers: dict[str, Any]
) -> None:
    answers["ListServiceQuotas"]["Quotas"] = [
        {"QuotaCode": "L-34B43A08", "Value": 0.0},
        {"QuotaCode": "L-1216C47A", "Value": 32.0},
    ]
    few = {"ConcurrentExecutions": 10, "UnreservedConcurrentExecutions": 10}
    answers["GetAccountSettings"]["AccountLimit"] = few
    result = batchctl("doctor")
    assert result.exit_code == 1
    assert "PROBLEM  vCPUs: the quota of Spot vCPUs is 0: no task could start" in result.stdout
    assert "→ ask for more: Service Quotas, Amazon EC2, `L-34B43A08`" in result.stdout
    assert "warning  functions at once: 10 functions may run at once" in result.stdout


@pytest.mark.usefixtures("answers", "linked")
def test_a_network_without_a_way_out_is_a_problem(batchctl: Batchctl) -> None:
    ec2 = boto3.client("ec2")
    for subnet in ec2.describe_subnets()["Subnets"]:
        ec2.modify_subnet_attribute(
            SubnetId=subnet["SubnetId"], MapPublicIpOnLaunch={"Value": False}
        )
    result = batchctl("doctor", "--json")
    assert result.exit_code == 1
    found = checks(result)["network"]["findings"][0]
    assert found["level"] == "problem"
    assert "none of its public subnets" in found["found"]
    assert "NAT gateway" in found["fix"]


@pytest.mark.usefixtures("answers", "linked")
def test_private_subnets_without_endpoints_are_named_with_what_is_missing(
    batchctl: Batchctl, folder: Path
) -> None:
    ec2 = boto3.client("ec2")
    vpc = ec2.describe_vpcs()["Vpcs"][0]
    private = ec2.create_subnet(VpcId=vpc["VpcId"], CidrBlock="172.31.200.0/24")["Subnet"]
    table = ec2.create_route_table(VpcId=vpc["VpcId"])["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=private["SubnetId"])
    config = folder / "config.yaml"
    config.write_text(
        config.read_text() + f"network: {{compute_subnet_ids: [{private['SubnetId']}]}}\n"
    )
    found = checks(batchctl("doctor", "--json"))["way out"]
    assert found["level"] == "problem"
    assert "no endpoint for ecr.api, ecr.dkr, ecs," in found["findings"][0]["found"]

    for name in ("ecr.api", "ecr.dkr", "ecs", "ecs-agent", "ecs-telemetry", "logs"):
        ec2.create_vpc_endpoint(
            VpcId=vpc["VpcId"],
            ServiceName=f"com.amazonaws.us-east-1.{name}",
            VpcEndpointType="Interface",
        )
    for name in ("s3", "dynamodb"):
        ec2.create_vpc_endpoint(VpcId=vpc["VpcId"], ServiceName=f"com.amazonaws.us-east-1.{name}")
    assert checks(batchctl("doctor", "--json"))["way out"]["level"] == "ok"


@pytest.mark.usefixtures("answers", "linked")
def test_a_name_that_another_has_is_found_before_up(batchctl: Batchctl) -> None:
    boto3.client("sqs").create_queue(QueueName="batchapp-jobs")
    result = batchctl("doctor")
    assert result.exit_code == 1
    assert "PROBLEM  names: queue." in result.stdout


def test_what_may_not_be_looked_at_is_unknown_and_the_rest_goes_on(
    batchctl: Batchctl, answers: dict[str, Any]
) -> None:
    answers["ListServiceQuotas"] = ClientError(
        {"Error": {"Code": "AccessDeniedException", "Message": "not authorized to perform: x"}},
        "ListServiceQuotas",
    )
    found = checks(batchctl("doctor", "--json"))
    assert found["vCPUs"]["level"] == "unknown"
    assert "ListServiceQuotas" in found["vCPUs"]["findings"][0]["fix"]
    assert found["network"]["level"] == "ok"
    assert found["service-linked roles"]["level"] == "warning"


def test_without_credentials_there_is_one_error(
    batchctl: Batchctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    result = batchctl("doctor", "--region", "us-east-1")
    assert result.exit_code == 1
    assert result.stderr.count("error:") == 1


@pytest.mark.usefixtures("answers", "linked")
@pytest.mark.parametrize(
    ("text", "level", "said"),
    [
        ("def compute(item, parameters):\n    return {}\n", "ok", "has a function `compute`"),
        ("from model import compute\n", "ok", "has a function `compute`"),
        ("def compute(item\n", "problem", "can't be parsed"),
        ("def run(item): ...\n", "problem", "has no function `compute`"),
    ],
)
def test_compute_py_is_looked_at_and_never_run(
    batchctl: Batchctl, folder: Path, text: str, level: str, said: str
) -> None:
    (folder / "config.yaml").write_text("name: app\n")
    (folder / "compute").mkdir()
    (folder / "compute" / "compute.py").write_text(f"{text}\nraise SystemExit(7)\n")
    (folder / "compute" / "Dockerfile").write_text("FROM scratch\nCOPY . .\n")
    found = checks(batchctl("doctor", "--json"))["compute function"]
    assert found["level"] == level
    assert said in found["findings"][0]["found"]
