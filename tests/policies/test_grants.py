"""What the kinds say that they need is what their code calls; no policy allows more than that."""

from __future__ import annotations

from typing import Any

import pytest
from call_sites import actions_called
from granted import FREE, grants
from service_reference import DATA

from batchctl.application.grants import GRANTS as BESIDE
from batchctl.application.job_grants import GRANTS as OF_JOBS
from batchctl.resource import Resource
from batchctl.resource.grants import ANY, Grant

# What AWS wants beside the call itself, each with who says so.
IMPLIED = {
    # Service Authorization Reference: tags that are given where something is made.
    "ec2:CreateTags",
    # IAM user guide, "Grant a user permissions to pass a role to an AWS service".
    "iam:PassRole",
    # Elastic Load Balancing user guide, "Elastic Load Balancing API permissions".
    "ec2:DescribeAccountAttributes",
    "ec2:DescribeAddresses",
    "ec2:DescribeInternetGateways",
    # API Gateway developer guide: who changes an API's resource policy.
    "apigateway:UpdateRestApiPolicy",
    # AWS WAF API reference, AssociateWebACL.
    "elasticloadbalancing:SetWebAcl",
    "apigateway:SetWebACL",
    # Amazon ECR user guide, "IAM permissions for pushing an image": the registry's own protocol.
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:GetDownloadUrlForLayer",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
    # Signed calls of the API.
    "execute-api:Invoke",
    # Amazon SQS developer guide, "Dead-letter queue redrive": of the queue they go back to.
    "sqs:SendMessage",
}


def kinds_grants() -> set[str]:
    return {
        action
        for kind in Resource.kinds.values()
        for each in kind.grants
        for action in each.full_actions
    }


def test_every_call_in_the_kinds_is_granted_and_nothing_else() -> None:
    called = actions_called("resources")
    assert set(called) - kinds_grants() == set()
    assert kinds_grants() - set(called) - IMPLIED == set()


@pytest.mark.parametrize(("rooms", "declared"), [(("jobs",), OF_JOBS), (("application",), BESIDE)])
def test_every_other_call_of_a_command_is_granted(
    rooms: tuple[str, ...], declared: tuple[Grant, ...]
) -> None:
    called = {action for room in rooms for action in actions_called(room)} - FREE
    granted = {action for each in declared for action in each.full_actions}
    assert called - granted - kinds_grants() == set()


def test_every_kind_that_is_made_says_what_it_needs() -> None:
    # Other tests make kinds up, which are there as well where they are imported.
    ours = [each for each in Resource.kinds.values() if each.__module__.startswith("batchctl.")]
    assert ours
    assert [each.kind for each in ours if not each.grants] == []


@pytest.mark.parametrize(
    "grant", list(grants()), ids=lambda each: f"{each.service}-{each.actions[:30]}"
)
def test_a_grant_names_resources_wherever_iam_can(grant: Grant) -> None:
    for action in grant.full_actions:
        details = _details(action)
        if grant.on == ANY:
            assert details["resourceTypes"] == [] or grant.condition, action
        else:
            assert details["resourceTypes"], f"{action} knows no resource"
    assert set(grant.commands.split()) <= {"read", "up", "down", "jobs", "map"}


def _details(action: str) -> Any:
    service, name = action.split(":")
    assert name in DATA.actions.get_actions_for_service(service), action
    return DATA.actions.get_action_details(service, name)
