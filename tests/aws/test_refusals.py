"""What AWS says when it refuses a call: who did, which action, and what to do."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from batchctl.aws.errors import explain

USER = "User: arn:aws:sts::123456789012:assumed-role/ci/x is not authorized to perform: "
QUEUE = "sqs:createqueue on resource: arn:aws:sqs:us-east-1:123456789012:batchapp-jobs "


def hint(code: str, message: str) -> str:
    error = ClientError({"Error": {"Code": code, "Message": message}}, "CreateQueue")
    text, hint = explain(error)
    assert message in text
    assert hint is not None
    return hint


@pytest.mark.parametrize(
    ("because", "who"),
    [
        ("with an explicit deny in a service control policy", "service control policy"),
        (
            "with an explicit deny in a service control policy: arn:aws:organizations::1:policy/p",
            "service control policy",
        ),
        ("because no service control policy allows the sqs:createqueue action", "service control"),
        ("with an explicit deny in a resource control policy", "resource control policy"),
        ("with an explicit deny in a permissions boundary", "permissions boundary"),
        ("because no permissions boundary allows the sqs:createqueue action", "boundary"),
        ("because no session policy allows the sqs:createqueue action", "session"),
        ("with an explicit deny in a VPC endpoint policy", "VPC endpoint"),
        ("because no VPC endpoint policy allows the action", "VPC endpoint"),
        ("with an explicit deny in a resource-based policy", "the resource itself"),
        ("because no identity-based policy allows the sqs:createqueue action", "credentials"),
    ],
)
def test_who_refuses_is_named_with_the_action(because: str, who: str) -> None:
    found = hint("AccessDenied", USER + QUEUE + because)
    assert who in found
    assert "`sqs:createqueue`" in found
    assert "batchapp-jobs" in found


def test_ec2_and_lambda_spell_it_in_their_own_ways() -> None:
    deny = "ec2:CreateSecurityGroup on resource: arn:aws:ec2:us-east-1:1:vpc/v with an explicit "
    ec2 = f"You are not authorized to perform this operation. {USER}{deny}deny in a service "
    found = hint("UnauthorizedOperation", ec2 + "control policy. Encoded authorization failure: x")
    assert "service control policy" in found
    assert "`ec2:CreateSecurityGroup`" in found
    assert "lack this permission" in hint("AccessDeniedException", "Access denied")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "TagPolicyViolation",
            "The tag policy does not allow the specified value for the following tag key: 'team'.",
        ),
        (
            "InvalidParameterValueException",
            "Tag policy violation: the value is not allowed for tag key 'team'",
        ),
    ],
)
def test_a_violation_of_a_tag_policy_names_the_tag_and_the_setting(code: str, message: str) -> None:
    found = hint(code, message)
    assert "`team`" in found
    assert "`tags` in config.yaml" in found


def test_a_call_that_no_policy_allows_is_told_with_the_statement_that_would_allow_it() -> None:
    because = "because no identity-based policy allows the sqs:createqueue action"
    found = hint("AccessDenied", USER + QUEUE + because)
    statement = json.loads(found[found.index("{") : found.index("}") + 1])
    assert statement == {
        "Effect": "Allow",
        "Action": "sqs:createqueue",
        "Resource": "arn:aws:sqs:us-east-1:123456789012:batchapp-jobs",
    }
    assert "`batchctl policy`" in found


def test_ec2_names_no_action_so_the_operation_does() -> None:
    found = hint("UnauthorizedOperation", "You are not authorized to perform this operation.")
    assert '"Action": "ec2:CreateQueue", "Resource": "*"' in found


def test_what_a_policy_denies_explicitly_no_statement_would_allow() -> None:
    found = hint("AccessDenied", f"{USER}{QUEUE}with an explicit deny in an identity-based policy")
    assert "explicit deny" in found
    assert '"Effect"' not in found
