"""Every policy that the stack makes, linted: iam-policy-validator with AWS's own reference."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from linting import TYPES, lint, listed
from made_policies import Policy, made_policies
from service_reference import DATA

from batchctl.config import Config

ECR_IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/compute:1"
SETTINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "load balancer": ("us-east-1", {}),
    "REST API with IAM in China": (
        "cn-north-1",
        {"api": {"mode": "restapi", "auth": "iam"}, "compute": {"image": "x:1"}},
    ),
    "REST API, no tracing, image of a registry": (
        "us-east-1",
        {
            "api": {"mode": "restapi"},
            "compute": {"on_demand_fallback": False, "image": ECR_IMAGE},
            "functions": {"tracing": False},
        },
    ),
}
# EC2 and API Gateway document no key by which they say whom they act for, so a condition on one
# might keep them out; their roles can be passed within the account alone.
KNOWN = {
    ("trust", "batchapp-instance", "confused_deputy_risk"),
    ("trust", "batchctl-api-gateway-logs", "confused_deputy_risk"),
}


@pytest.mark.parametrize(("region", "settings"), SETTINGS.values(), ids=SETTINGS.keys())
def test_policies_are_linted_without_findings(
    tmp_path: Path, region: str, settings: dict[str, Any]
) -> None:
    policies = made_policies(tmp_path, region, Config.model_validate(settings))
    assert {each.kind for each in policies} == set(TYPES)
    found = lint(tmp_path, policies)
    assert {key: text for key, text in found.items() if key not in KNOWN} == {}
    for policy in policies:
        _check_beyond_the_lint(policy, region)


def _check_beyond_the_lint(policy: Policy, region: str) -> None:
    """No `*` as or in an action that is allowed; "*" as a resource for actions that know none.

    A statement that denies may say `sqs:*`: it takes away whatever comes to be an action.
    """
    partition = {"us-east-1": "aws", "cn-north-1": "aws-cn"}[region]
    assert f'"arn:{partition}:' in json.dumps(policy.document) or policy.kind == "trust"
    for statement in policy.document["Statement"]:
        for action in listed(statement["Action"]):
            assert "*" not in action or statement["Effect"] == "Deny", policy
            if policy.kind == "identity" and "*" in listed(statement["Resource"]):
                details = DATA.actions.get_action_details(*action.split(":"))
                assert details["resourceTypes"] == [], f"{policy.name}: {action}"


def test_the_lint_finds_what_is_wrong(tmp_path: Path) -> None:
    statement = {"Sid": "A", "Effect": "Allow"}
    bad = [
        {**statement, "Action": ["batch:EndJob"], "Resource": ["*"]},
        {**statement, "Action": ["dynamodb:PutItem"], "Resource": ["*"]},
        {
            **statement,
            "Action": ["batch:TerminateJob"],
            "Resource": ["arn:aws:batch:us-east-1:123456789012:job/*"],
            "Condition": {"StringEquals": {"ecs:cluster": ["x"]}},
        },
    ]
    policies = [
        Policy("identity", f"bad-{index}", {"Version": "2012-10-17", "Statement": [each]})
        for index, each in enumerate(bad)
    ]
    found = lint(tmp_path, policies)
    assert {name for _, name, _ in found} == {"bad-0", "bad-1", "bad-2"}
