"""What others hold, protect or delete: who and what to do is said, nothing of theirs goes."""

from __future__ import annotations

from typing import Any

import pytest
from answers import sent
from default_vpc import make_default_vpc_public
from examples_apigateway import stage
from examples_awslambda import load_balancer, mapping
from examples_ec2 import security_group
from faults import fail
from verbs import found, make

from batchctl.aws.session import Aws
from batchctl.errors import BatchctlError
from batchctl.resource import Deployed
from batchctl.resources.apigateway.logging import ApiLogging
from batchctl.stack import in_order


@pytest.fixture
def deployed(aws: Aws) -> Deployed:
    make_default_vpc_public(client(aws, "ec2"))
    return Deployed(aws)


def client(aws: Aws, service: str) -> Any:
    """A plain boto3 client: the witness, and the other hands."""
    return aws.connection.client(service)


def made(deployed: Deployed, resource: Any) -> Any:
    """Make a resource after all that it needs; return its outputs."""
    for each in in_order((resource,)):
        if each.lookup:
            deployed.add(each, found(each, deployed).outputs)
        else:
            make(each, deployed)
    return deployed[resource]


def test_a_group_that_a_rule_of_others_names_is_kept_and_they_are_named_at_once(
    aws: Aws, deployed: Deployed
) -> None:
    group, ec2 = made(deployed, security_group), client(aws, "ec2")
    theirs = ec2.create_security_group(GroupName="database", Description="theirs")["GroupId"]
    pair = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432}
    ec2.authorize_security_group_ingress(
        GroupId=theirs, IpPermissions=[{**pair, "UserIdGroupPairs": [{"GroupId": group.id}]}]
    )
    fail(aws, "ec2.DeleteSecurityGroup", "DependencyViolation", "has a dependent object", times=99)
    with pytest.raises(BatchctlError, match="database") as raised:
        security_group.delete(aws, group)
    assert theirs in raised.value.message
    assert "remove these rules" in str(raised.value.hint)
    assert aws.clock.now() < 60
    (kept,) = ec2.describe_security_groups(GroupIds=[theirs])["SecurityGroups"]
    assert kept["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"] == group.id


def test_a_load_balancer_that_others_protect_is_kept_and_how_to_lift_it_is_said(
    aws: Aws, deployed: Deployed
) -> None:
    outputs = made(deployed, load_balancer)
    text = f"Load balancer '{outputs.arn}' cannot be deleted because deletion protection is enabled"
    fail(aws, "elbv2.DeleteLoadBalancer", "OperationNotPermitted", text)
    with pytest.raises(BatchctlError, match="protected it from deletion") as raised:
        load_balancer.delete(aws, outputs)
    assert "modify-load-balancer-attributes" in str(raised.value.hint)
    assert "CloudTrail" in str(raised.value.hint)
    assert client(aws, "elbv2").describe_load_balancers()["LoadBalancers"]


def test_an_event_source_mapping_has_its_tags_from_the_call_that_makes_it(
    aws: Aws, deployed: Deployed
) -> None:
    calls = sent(aws, "lambda.CreateEventSourceMapping")
    made(deployed, mapping)
    ((_, parameters),) = calls
    assert parameters["Tags"] == aws.tags


def test_a_role_for_logs_that_another_stack_deleted_is_named_and_ours_set_in_its_place(
    aws: Aws, deployed: Deployed
) -> None:
    gone = "arn:aws:iam::123456789012:role/serverless-logs"
    apigateway = client(aws, "apigateway")
    operation = {"op": "replace", "path": "/cloudwatchRoleArn", "value": gone}
    apigateway.update_account(patchOperations=[operation])
    logging: ApiLogging = stage.logging
    actual = found(logging, deployed)
    assert gone in actual.notes[0]
    assert "deleted" in actual.notes[0]
    desired = logging.desired(deployed)
    logging.update(aws, actual, desired, {"exists": True})
    assert apigateway.get_account()["cloudwatchRoleArn"].endswith(f"role/{logging.name}")
    assert found(logging, deployed).properties == desired


def test_a_role_for_logs_of_another_account_is_left_as_it_is(aws: Aws, deployed: Deployed) -> None:
    theirs = "arn:aws:iam::999999999999:role/central-logs"
    operation = {"op": "replace", "path": "/cloudwatchRoleArn", "value": theirs}
    client(aws, "apigateway").update_account(patchOperations=[operation])
    assert found(stage.logging, deployed).properties["exists"] is True
