from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from examples_iam import (
    instance_profile,
    instance_role,
    other_role,
    role,
    send,
    service_linked_role,
)
from examples_sqs import dead_letters
from faults import Killed, answered_by, calls_of, fail, kill
from verbs import changes, found, make, repair

from batchctl.aws.clock import Clock
from batchctl.aws.errors import NotReady
from batchctl.aws.session import Aws
from batchctl.resource import Deployed, NotOwned
from batchctl.resources.iam.roles import Allow

MANAGED = "arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role"
ANY_POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
    }
)
OURS = [{"Key": "batchctl:stack", "Value": "batchapp"}]


@pytest.fixture
def deployed(aws: Aws) -> Deployed:
    """The account with the queue that the roles are about."""
    deployed = Deployed(aws)
    make(dead_letters, deployed)
    return deployed


@pytest.fixture
def iam(aws: Aws) -> Any:
    """IAM without us in between."""
    return aws.connection.client("iam")


def trust(service: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


def test_a_role_allows_its_service_and_its_statements_only(iam: Any, deployed: Deployed) -> None:
    make(role, deployed)
    assert iam.get_role(RoleName=role.name)["Role"]["AssumeRolePolicyDocument"] == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": ["lambda.amazonaws.com"]},
                "Action": ["sts:AssumeRole"],
                "Condition": {"StringEquals": {"aws:SourceAccount": ["123456789012"]}},
            }
        ],
    }
    policy = iam.get_role_policy(RoleName=role.name, PolicyName="batchctl")["PolicyDocument"]
    assert policy["Statement"] == [
        {
            "Sid": "QueueJobs",
            "Effect": "Allow",
            "Action": ["sqs:SendMessage"],
            "Resource": [deployed[dead_letters].arn],
        }
    ]


def test_a_suffix_is_added_to_arns_and_not_to_texts(deployed: Deployed) -> None:
    allow = Allow(sid="Any", actions=("sqs:*",), on=(dead_letters, "*"), suffix="/index/x")
    resources = allow.statement(deployed)["Resource"]
    assert resources == [f"{deployed[dead_letters].arn}/index/x", "*"]


def test_what_a_statement_is_about_is_a_dependency_of_the_role() -> None:
    assert role.dependencies == (dead_letters,)


def test_a_role_that_was_cut_off_before_its_policy_is_finished(
    aws: Aws, iam: Any, deployed: Deployed
) -> None:
    kill(aws, "iam.PutRolePolicy")
    with pytest.raises(Killed):
        make(role, deployed)
    assert [change.path for change in changes(role, deployed)] == ["Policies.batchctl"]
    repair(role, deployed)
    assert iam.list_role_policies(RoleName=role.name)["PolicyNames"] == ["batchctl"]


def test_policies_that_other_hands_added_are_seen_and_removed(iam: Any, deployed: Deployed) -> None:
    make(role, deployed)
    iam.put_role_policy(RoleName=role.name, PolicyName="more", PolicyDocument=ANY_POLICY)
    iam.attach_role_policy(RoleName=role.name, PolicyArn=MANAGED)
    paths = {change.path for change in changes(role, deployed)}
    assert paths == {"Policies.more", "ManagedPolicies"}
    repair(role, deployed)
    assert iam.list_role_policies(RoleName=role.name)["PolicyNames"] == ["batchctl"]
    assert iam.list_attached_role_policies(RoleName=role.name)["AttachedPolicies"] == []


def test_a_trust_that_other_hands_changed_is_repaired(iam: Any, deployed: Deployed) -> None:
    make(role, deployed)
    iam.update_assume_role_policy(RoleName=role.name, PolicyDocument=trust("ec2.amazonaws.com"))
    assert [change.top for change in changes(role, deployed)] == ["AssumeRolePolicyDocument"]
    repair(role, deployed)
    assert changes(role, deployed) == ()


def test_a_document_spelled_in_another_way_is_no_difference(iam: Any, deployed: Deployed) -> None:
    trusted = json.loads(trust("lambda.amazonaws.com"))
    trusted["Statement"]["Condition"] = {"StringEquals": {"aws:SourceAccount": "123456789012"}}
    iam.create_role(RoleName=role.name, AssumeRolePolicyDocument=json.dumps(trusted), Tags=OURS)
    statement = {
        "Sid": send.sid,
        "Effect": "Allow",
        "Action": "sqs:SendMessage",
        "Resource": deployed[dead_letters].arn,
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    iam.put_role_policy(RoleName=role.name, PolicyName="batchctl", PolicyDocument=document)
    assert changes(role, deployed) == ()


def test_a_role_of_others_is_left_alone(aws: Aws, iam: Any, deployed: Deployed) -> None:
    iam.create_role(RoleName=role.name, AssumeRolePolicyDocument=trust("ec2.amazonaws.com"))
    with pytest.raises(NotOwned, match="role `batchapp-TaskReceiver-role` exists"):
        role.read(aws, None, role.desired(deployed))


def test_a_new_role_whose_arn_is_still_its_unique_id_is_waited_for(
    aws: Aws, clock: Clock, deployed: Deployed
) -> None:
    outputs = make(role, deployed)
    early = {"RoleName": role.name, "Arn": "AROAEXAMPLEEXAMPLE123", "Path": "/"}
    answers = iter([{"Role": early}, {"Role": early}])
    answered_by(aws, "iam.GetRole", lambda: next(answers, None))
    assert found(role, deployed).outputs == outputs
    assert clock.now() > 0


def test_a_role_whose_arn_never_comes_is_an_error_that_says_so(
    aws: Aws, deployed: Deployed
) -> None:
    early = {"RoleName": role.name, "Arn": "AROAEXAMPLEEXAMPLE123", "Path": "/"}
    answered_by(aws, "iam.GetRole", lambda: {"Role": early})
    with pytest.raises(NotReady, match="IAM to show the ARN of role"):
        role.read(aws, None, role.desired(deployed))


def test_a_role_that_its_policy_call_does_not_see_yet_is_waited_for(
    aws: Aws, iam: Any, deployed: Deployed
) -> None:
    text = f"The role with name {role.name} cannot be found."
    fail(aws, "iam.PutRolePolicy", "NoSuchEntity", text, times=3)
    make(role, deployed)
    assert iam.list_role_policies(RoleName=role.name)["PolicyNames"] == ["batchctl"]


def test_concurrent_changes_of_a_role_are_waited_out(aws: Aws, deployed: Deployed) -> None:
    text = "The request was rejected because multiple requests to change this object were submitted"
    make(instance_role, deployed)
    fail(aws, "iam.DetachRolePolicy", "ConcurrentModification", text, times=2)
    instance_role.delete(aws, deployed[instance_role])
    assert instance_role.read(aws, None, instance_role.desired(deployed)) is None


def test_a_role_is_deleted_with_all_that_others_hung_on_it(
    aws: Aws, iam: Any, deployed: Deployed
) -> None:
    outputs = make(instance_role, deployed)
    iam.put_role_policy(RoleName=outputs.id, PolicyName="more", PolicyDocument=ANY_POLICY)
    iam.create_instance_profile(InstanceProfileName="theirs")
    iam.add_role_to_instance_profile(InstanceProfileName="theirs", RoleName=outputs.id)
    text = "Cannot delete entity, must remove roles from instance profile first."
    fail(aws, "iam.DeleteRole", "DeleteConflict", text, times=2)
    instance_role.delete(aws, outputs)
    assert iam.list_roles()["Roles"] == []


def test_an_instance_profile_waits_for_its_role_to_be_seen(
    aws: Aws, iam: Any, deployed: Deployed
) -> None:
    make(instance_role, deployed)
    missing = f"The role with name {instance_role.name} cannot be found."
    fail(aws, "iam.AddRoleToInstanceProfile", "NoSuchEntity", missing)
    text = "Invalid IAM Instance Profile name"
    fail(aws, "iam.AddRoleToInstanceProfile", "InvalidParameterValue", text)
    make(instance_profile, deployed)
    profile = iam.get_instance_profile(InstanceProfileName=instance_profile.name)
    assert [r["RoleName"] for r in profile["InstanceProfile"]["Roles"]] == [instance_role.name]


def test_a_new_instance_profile_is_usable_after_three_good_reads_at_the_same_time(
    aws: Aws, deployed: Deployed
) -> None:
    make(instance_role, deployed)
    calls = calls_of(aws, "iam")
    fail(aws, "iam.GetInstanceProfile", "NoSuchEntity", "Instance Profile cannot be found.")
    make(instance_profile, deployed)
    # Three of which one found nothing, then three that all found it.
    assert calls.count("GetInstanceProfile") == 6


def test_an_instance_profile_that_was_cut_off_before_its_role_is_finished(
    aws: Aws, deployed: Deployed
) -> None:
    make(instance_role, deployed)
    kill(aws, "iam.AddRoleToInstanceProfile")
    with pytest.raises(Killed):
        make(instance_profile, deployed)
    assert [(c.old, c.new) for c in changes(instance_profile, deployed)] == [
        ([], [instance_role.name])
    ]
    repair(instance_profile, deployed)
    assert changes(instance_profile, deployed) == ()


def test_an_instance_profile_changes_its_role(iam: Any, deployed: Deployed) -> None:
    make(instance_role, deployed)
    make(other_role, deployed)
    make(instance_profile, deployed)
    repair(dataclasses.replace(instance_profile, role=other_role), deployed)
    profile = iam.get_instance_profile(InstanceProfileName=instance_profile.name)
    assert [r["RoleName"] for r in profile["InstanceProfile"]["Roles"]] == [other_role.name]


def test_a_service_linked_role_that_exists_already_is_taken(
    aws: Aws, iam: Any, deployed: Deployed
) -> None:
    iam.create_service_linked_role(AWSServiceName="batch.amazonaws.com")
    text = (
        "Service role name AWSServiceRoleForBatch has been taken in this account, please try a "
        "different suffix."
    )
    fail(aws, "iam.CreateServiceLinkedRole", "InvalidInput", text)
    outputs = make(service_linked_role, deployed)
    role_path = "role/aws-service-role/batch.amazonaws.com/"
    assert outputs.arn.startswith(f"arn:aws:iam::{aws.account}:{role_path}")
    assert outputs.id == outputs.arn.removeprefix(f"arn:aws:iam::{aws.account}:{role_path}")


def test_a_service_linked_role_is_never_deleted(aws: Aws, iam: Any, deployed: Deployed) -> None:
    outputs = make(service_linked_role, deployed)
    service_linked_role.delete(aws, outputs)
    assert [each["RoleName"] for each in iam.list_roles()["Roles"]] == [outputs.id]


def test_reading_a_role_takes_four_calls(aws: Aws, deployed: Deployed) -> None:
    make(role, deployed)
    calls = calls_of(aws, "iam")
    found(role, deployed)
    four = ["GetRole", "GetRolePolicy", "ListAttachedRolePolicies", "ListRolePolicies"]
    assert sorted(calls) == four
