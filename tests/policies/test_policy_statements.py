"""The policies for people and pipelines: linted, scoped, no longer than AWS takes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from examples_awslambda import package
from fake_recipe import FakeRecipe
from linting import lint, listed
from made_policies import Policy
from service_reference import DATA

from batchctl.application.policy.statements import (
    LONGEST_MANAGED,
    Names,
    Purpose,
    document,
    length,
    split,
    statements,
)
from batchctl.application.policy.trust import trust_policy, trusted
from batchctl.config import Config
from batchctl.errors import UsageError
from batchctl.stack import build

AWS = Names("aws", "us-east-1", "123456789012", "batchapp", "/", "ec2.amazonaws.com")
CHINA = Names("aws-cn", "cn-north-1", "123456789012", "app", "/team/", "ec2.amazonaws.com.cn")
PACKAGE = package("")
# Elastic Load Balancing's reference is two, and the data has the classic one's resources for these
# (Service Authorization Reference, "AWS Elastic Load Balancing V2", has all that we tag).
KNOWN = ("elasticloadbalancing:AddTags", "elasticloadbalancing:RemoveTags")
EVERYTHING: dict[str, Any] = {
    "api": {
        "web_acl_arn": "arn:aws:wafv2:us-east-1:123456789012:regional/webacl/x/1",
        "certificate_arn": "arn:aws:acm:us-east-1:123456789012:certificate/1",
    },
    "iam": {"permissions_boundary": "arn:aws:iam::123456789012:policy/boundary"},
}


def made(purpose: Purpose, names: Names = AWS, settings: Any = None) -> list[dict[str, Any]]:
    base = Config.model_validate(settings or {})
    doors = [("alb", "none"), ("restapi", "iam")]
    configs = [
        base.model_copy(update={"api": base.api.model_copy(update={"mode": mode, "auth": auth})})
        for mode, auth in doors
    ]
    stack = [
        each for config in configs for each in build(config, image=FakeRecipe(), package=PACKAGE)
    ]
    return statements(stack, names, purpose)


@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize("names", [AWS, CHINA], ids=["aws", "aws-cn"])
def test_a_policy_is_linted_without_findings(
    tmp_path: Path, purpose: Purpose, names: Names
) -> None:
    parts = split(made(purpose, names, EVERYTHING))
    policies = [
        Policy("identity", f"{purpose}-{number}", document(part))
        for number, part in enumerate(parts)
    ]
    found = lint(tmp_path, policies)
    assert {
        key: text for key, text in found.items() if not any(map(text.__contains__, KNOWN))
    } == {}


@pytest.mark.parametrize("purpose", Purpose)
def test_a_policy_has_no_wildcard_where_iam_can_name_something(purpose: Purpose) -> None:
    for statement in made(purpose, settings=EVERYTHING):
        for action in listed(statement["Action"]):
            assert "*" not in action
            if statement["Resource"] == ["*"]:
                details = DATA.actions.get_action_details(*action.split(":"))
                assert details["resourceTypes"] == [] or statement["Condition"], action


def test_every_name_and_every_place_is_in_the_policy() -> None:
    text = json.dumps(made(Purpose.ALL, CHINA))
    assert "{" not in text.replace('{"', "").replace("{}", "")
    assert "arn:aws-cn:sqs:cn-north-1:123456789012:app-*" in text
    assert "arn:aws-cn:iam::123456789012:role/team/app-*" in text
    assert "arn:aws-cn:apigateway:cn-north-1::/restapis" in text
    assert '"ec2.amazonaws.com.cn"' in text
    assert "batchapp" not in text


def test_purposes_allow_no_more_than_theirs() -> None:
    actions = {
        purpose: {action for each in made(purpose) for action in each["Action"]}
        for purpose in Purpose
    }
    assert all(found <= actions[Purpose.ALL] for found in actions.values())
    assert (
        actions[Purpose.CI] == actions[Purpose.READ] | actions[Purpose.UP] | actions[Purpose.JOBS]
    )
    assert "dynamodb:DeleteTable" not in actions[Purpose.CI]
    assert "iam:CreateRole" not in actions[Purpose.DOWN] | actions[Purpose.JOBS]
    writes = {
        action
        for action in actions[Purpose.READ]
        if DATA.actions.get_action_details(*action.split(":"))["accessLevel"]
        not in {"Read", "List"}
    }
    assert writes == set()


def test_what_config_yaml_does_not_ask_for_is_not_granted() -> None:
    asked = {action for each in made(Purpose.UP, settings=EVERYTHING) for action in each["Action"]}
    plain = {action for each in made(Purpose.UP) for action in each["Action"]}
    assert {"wafv2:AssociateWebACL", "acm:DescribeCertificate"} <= asked - plain
    assert "iam:PutRolePermissionsBoundary" in asked - plain


def test_a_policy_is_split_into_parts_that_iam_takes_with_nothing_lost() -> None:
    found = made(Purpose.ALL)
    parts = split(found)
    assert [each for part in parts for each in part] == found
    assert all(length(document(part)) <= LONGEST_MANAGED for part in parts)
    # A role takes ten (IAM user guide, "IAM and AWS STS quotas").
    assert 1 < len(parts) <= 10
    assert len({each["Sid"] for each in found}) == len(found)


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("github:my-org/my.repo", "repo:my-org/my.repo:ref:refs/heads/main"),
        ("github:org/repo@release/2", "repo:org/repo:ref:refs/heads/release/2"),
        ("github:org/repo#production", "repo:org/repo:environment:production"),
    ],
)
def test_a_pipelines_role_trusts_one_branch_or_environment(text: str, subject: str) -> None:
    policy = trust_policy(trusted(text), "aws", "123456789012")
    (statement,) = policy["Statement"]
    assert statement["Principal"]["Federated"].startswith(
        "arn:aws:iam::123456789012:oidc-provider/"
    )
    assert statement["Condition"]["StringEquals"] == {
        "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
        "token.actions.githubusercontent.com:sub": subject,
    }


@pytest.mark.parametrize(
    "text", ["gitlab:a/b", "github:a", "github:a/*", "github:*/b", "github:a/b@*"]
)
def test_nobody_is_trusted_by_a_pattern(text: str) -> None:
    with pytest.raises(UsageError, match="could not read `--trust"):
        trusted(text)


def test_the_trust_policy_is_linted_without_findings(tmp_path: Path) -> None:
    policy = trust_policy(trusted("github:org/repo"), "aws", "123456789012")
    assert lint(tmp_path, [Policy("trust", "deploy", policy)]) == {}
