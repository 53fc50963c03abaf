"""What AWS manages itself, and what others set beside what we own, is never drift."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from built import Application
from moto.batch.models import batch_backends
from shared import Shared

Change = Callable[[Application], object]


def desired_vcpus(application: Application) -> None:
    """Batch scales an environment: how many vCPUs it currently wants is up to Batch."""
    backend: Any = batch_backends["123456789012"]["us-east-1"]
    for environment in backend._compute_environments.values():
        environment.compute_resources.update(desiredvCpus=48, ec2KeyPair="", bidPercentage=100)


def image_ids(application: Application) -> None:
    """Batch says beside the image type which image it took."""
    backend: Any = batch_backends["123456789012"]["us-east-1"]
    for environment in backend._compute_environments.values():
        configuration = environment.compute_resources["ec2Configuration"]
        configuration[0]["imageKubernetesVersion"] = "1.31"


def order_of_lists(application: Application) -> None:
    """Batch answers subnets and instance types in any order."""
    backend: Any = batch_backends["123456789012"]["us-east-1"]
    for environment in backend._compute_environments.values():
        environment.compute_resources["subnets"].reverse()


def policy_as_iam_rewrites_it(application: Application) -> None:
    """The same policy, its lists in another order and a single action or value as a text."""
    iam = application.client("iam")
    role = application.outputs("role.job").id
    found = iam.get_role_policy(RoleName=role, PolicyName="batchctl")["PolicyDocument"]
    for statement in found["Statement"]:
        (statement["Action"],) = statement["Action"]
        (statement["Resource"],) = statement["Resource"]
        condition = statement["Condition"]
        (condition["Null"]["dynamodb:Attributes"],) = condition["Null"]["dynamodb:Attributes"]
        condition["ForAllValues:StringEquals"]["dynamodb:Attributes"].reverse()
    receiver = application.outputs("role.receiver").id
    also = iam.get_role_policy(RoleName=receiver, PolicyName="batchctl")["PolicyDocument"]
    for statement in also["Statement"]:
        statement["Action"].reverse()
    for name, document in ((role, found), (receiver, also)):
        application.aws.iam.put_role_policy(
            RoleName=name, PolicyName="batchctl", PolicyDocument=json.dumps(document, indent=2)
        )


def foreign_tags(application: Application) -> None:
    """Tags of others: of a cost tool, of AWS Config, of a colleague."""
    tags = {"cost-centre": "42", "aws-config": "checked"}
    pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
    out = application.outputs
    application.client("sqs").tag_queue(QueueUrl=out("queue.jobs").url, Tags=tags)
    application.client("lambda").tag_resource(Resource=out("function.api").arn, Tags=tags)
    application.client("batch").tag_resource(
        resourceArn=out("compute_environment.spot").arn, tags=tags
    )
    application.client("logs").tag_resource(resourceArn=out("log_group.compute").arn, tags=tags)
    application.client("iam").tag_role(RoleName=out("role.api").id, Tags=pairs)
    application.client("ec2").create_tags(Resources=[out("security_group.compute").id], Tags=pairs)
    application.client("elbv2").add_tags(
        ResourceArns=[out("load_balancer.api").arn, out("listener.api").arn], Tags=pairs
    )
    application.client("dynamodb").tag_resource(ResourceArn=out("table.jobs").arn, Tags=pairs)


def queue_settings_of_others(application: Application) -> None:
    """Settings of a queue that we leave to SQS's defaults."""
    application.client("sqs").set_queue_attributes(
        QueueUrl=application.outputs("queue.jobs").url,
        Attributes={"ReceiveMessageWaitTimeSeconds": "20", "DelaySeconds": "1"},
    )


def load_balancer_settings_of_others(application: Application) -> None:
    """Attributes of a load balancer that we leave to AWS's defaults."""
    application.client("elbv2").modify_load_balancer_attributes(
        LoadBalancerArn=application.outputs("load_balancer.api").arn,
        Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "120"}],
    )


def function_settings_of_others(application: Application) -> None:
    """A description; who else may invoke a function is ours to say (mutations_functions)."""
    client = application.client("lambda")
    name = application.outputs("function.api").id
    client.update_function_configuration(FunctionName=name, Description="ours, says a colleague")


def rule_of_others(application: Application) -> None:
    """A rule of somebody else's on the listener, of another priority."""
    application.client("elbv2").create_rule(
        ListenerArn=application.outputs("listener.api").arn,
        Priority=99,
        Conditions=[{"Field": "path-pattern", "Values": ["/theirs"]}],
        Actions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}],
    )


def description_of_a_rule(application: Application) -> None:
    """A text that describes an ingress rule is no part of what it allows."""
    application.client("ec2").update_security_group_rule_descriptions_ingress(
        GroupId=application.outputs("security_group.load_balancer").id,
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 9999,
                "ToPort": 9999,
                "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "everyone"}],
            }
        ],
    )


def items_in_the_table(application: Application) -> None:
    """Jobs in the table and messages in the queue."""
    application.client("dynamodb").put_item(
        TableName="batchapp-jobs", Item={"job_id": {"S": "a"}, "item": {"S": "JOB"}}
    )
    application.client("sqs").send_message(
        QueueUrl=application.outputs("queue.dead_letters").url, MessageBody="{}"
    )


@pytest.mark.parametrize(
    "change",
    [
        desired_vcpus,
        image_ids,
        order_of_lists,
        policy_as_iam_rewrites_it,
        foreign_tags,
        queue_settings_of_others,
        load_balancer_settings_of_others,
        function_settings_of_others,
        rule_of_others,
        description_of_a_rule,
        items_in_the_table,
    ],
    ids=lambda change: change.__name__,
)
def test_what_is_not_ours_is_no_drift(shared: Shared, change: Change) -> None:
    application = shared.settled()
    change(application)
    assert application.plan().changes == ()
    writes = len(application.writes)
    assert application.up() == []
    assert application.writes[writes:] == []
