"""An AWS that is stuck: for each wait of each kind the answers that never come to an end."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from answers import alter
from examples_awslambda import function, load_balancer, mapping, permission
from examples_batch import queue as job_queue
from examples_batch import spot
from examples_dynamodb import table
from examples_ec2 import compute as security_group
from examples_ec2 import launch_template
from examples_ecr import image
from faults import answered_by, fail

from batchctl.aws.session import Aws
from batchctl.aws.waiting import UNSEEN
from batchctl.resource import Resource

Stick = Callable[[Aws], None]


@dataclass(frozen=True)
class Stuck:
    """A verb that AWS doesn't let come to its end, the function that waits, what it sees last."""

    verb: str
    resource: Resource[Any]
    stick: Stick
    waits_in: str
    seen: str = UNSEEN

    def __str__(self) -> str:
        return f"{self.verb}-{self.resource.kind}-{self.waits_in}"


def shows(operation: str, change: Callable[[Any], Any]) -> Stick:
    """Every answer but errors is changed."""

    def change_answer(answer: Any) -> None:
        if "Error" not in answer:
            change(answer)

    return lambda aws: alter(aws, operation, change_answer)


def ignores(operation: str) -> Stick:
    """AWS answers well, and does nothing."""
    return lambda aws: answered_by(aws, operation, dict)


def answers(operation: str, **answer: Any) -> Stick:
    return lambda aws: answered_by(aws, operation, lambda: answer)


def both(*sticks: Stick) -> Stick:
    def stick(aws: Aws) -> None:
        for each in sticks:
            each(aws)

    return stick


def has_status(status: str, kind: str) -> Callable[[Any], None]:
    def change(answer: Any) -> None:
        for each in answer[kind]:
            each["status"] = status

    return change


def never_shows_what_it_made(aws: Aws) -> None:
    def hide(_answer: Any) -> None:
        fail(aws, "ec2.DescribeSecurityGroups", "InvalidGroup.NotFound", times=10_000)

    alter(aws, "ec2.CreateSecurityGroup", hide)


def never_lets_go_of_the_group(aws: Aws) -> None:
    fail(aws, "ec2.DeleteSecurityGroup", "DependencyViolation", times=10_000)


def balancer_is(state: str) -> Stick:
    def change(answer: Any) -> None:
        for each in answer["LoadBalancers"]:
            each["State"]["Code"] = state

    return shows("elbv2.DescribeLoadBalancers", change)


def table_is(status: str) -> Stick:
    return shows("dynamodb.DescribeTable", lambda a: a["Table"].update(TableStatus=status))


def function_is(**state: str) -> Stick:
    """The answer that makes it is the first to be looked at."""
    return both(
        shows("lambda.CreateFunction", lambda a: a.update(state)),
        shows("lambda.GetFunction", lambda a: a["Configuration"].update(state)),
    )


def mapping_is(state: str) -> Stick:
    return shows("lambda.GetEventSourceMapping", lambda a: a.update(State=state))


def environments_are(status: str) -> Stick:
    change = has_status(status, "computeEnvironments")
    return shows("batch.DescribeComputeEnvironments", change)


def job_queues_are(status: str) -> Stick:
    return shows("batch.DescribeJobQueues", has_status(status, "jobQueues"))


ROLE_ID = shows("iam.GetRole", lambda a: a["Role"].update(Arn="AROA1"))
NO_ROLES = shows("iam.GetInstanceProfile", lambda a: a["InstanceProfile"].update(Roles=[]))
NO_LINKED = shows("iam.ListRoles", lambda a: a.update(Roles=[]))
NO_IMAGE = shows("ecr.DescribeImages", lambda a: a.update(imageDetails=[]))
NO_VERSION = shows(
    "ec2.DescribeLaunchTemplateVersions", lambda a: a.update(LaunchTemplateVersions=[])
)
NO_POLICY = shows("lambda.GetPolicy", lambda a: a.update(Policy=json.dumps({"Statement": []})))
IN_USE = answers(
    "ec2.DescribeNetworkInterfaces",
    NetworkInterfaces=[{"NetworkInterfaceId": "eni-1", "Status": "in-use"}],
)
JOBS = both(
    answers("batch.ListJobs", jobSummaryList=[{"jobId": "stuck", "status": "RUNNING"}]),
    ignores("batch.TerminateJob"),
)
profile, linked, role = spot.instance_profile, spot.service_linked_role, function.role
STUCK = [
    Stuck("plan", role, ROLE_ID, "iam.roles.settled", "AROA1"),
    Stuck("up", profile, NO_ROLES, "iam.profiles._wait_until_seen"),
    Stuck("up", linked, NO_LINKED, "iam.profiles.ServiceLinkedRole.create"),
    Stuck("up", launch_template, NO_VERSION, "ec2.launch_templates._wait_until_shown"),
    Stuck(
        "up", security_group, never_shows_what_it_made, "ec2.security_groups.SecurityGroup.create"
    ),
    Stuck(
        "down",
        security_group,
        IN_USE,
        "awslambda.interfaces.wait_until_interfaces_gone",
        "1 interfaces",
    ),
    Stuck(
        "down",
        security_group,
        never_lets_go_of_the_group,
        "ec2.holders.delete_unused",
        "in use",
    ),
    Stuck("up", image, NO_IMAGE, "ecr.images.Image.create"),
    Stuck(
        "up",
        load_balancer,
        balancer_is("provisioning"),
        "elbv2.load_balancers._wait_until_active",
        "provisioning",
    ),
    Stuck(
        "plan",
        load_balancer,
        balancer_is("provisioning"),
        "elbv2.load_balancers._wait_until_started",
        "provisioning",
    ),
    Stuck(
        "down",
        load_balancer,
        ignores("elbv2.DeleteLoadBalancer"),
        "elbv2.load_balancers._wait_until_gone",
        "active",
    ),
    Stuck("up", table, table_is("CREATING"), "dynamodb.lifecycle.wait_until_active", "CREATING"),
    Stuck("plan", table, table_is("UPDATING"), "dynamodb.lifecycle.wait_until_active", "UPDATING"),
    Stuck("plan", table, table_is("DELETING"), "dynamodb.lifecycle.wait_until_gone", "DELETING"),
    Stuck(
        "up",
        function,
        function_is(State="Pending"),
        "awslambda.functions._wait_until_usable",
        "Pending",
    ),
    Stuck(
        "plan",
        function,
        function_is(LastUpdateStatus="InProgress"),
        "awslambda.functions._wait_until_settled",
        "InProgress",
    ),
    Stuck(
        "down",
        function,
        ignores("lambda.DeleteFunction"),
        "awslambda.functions._wait_until_gone",
        "Active",
    ),
    Stuck("up", permission, NO_POLICY, "awslambda.triggers._add"),
    Stuck(
        "up", mapping, mapping_is("Creating"), "awslambda.triggers._wait_until_polling", "Creating"
    ),
    Stuck(
        "plan",
        mapping,
        mapping_is("Updating"),
        "awslambda.triggers._wait_until_mapping_settled",
        "Updating",
    ),
    Stuck(
        "down",
        mapping,
        both(ignores("lambda.DeleteEventSourceMapping"), mapping_is("Deleting")),
        "awslambda.triggers._wait_until_mapping_gone",
        "Deleting",
    ),
    Stuck("up", spot, environments_are("CREATING"), "batch.lifecycle.wait_until_valid", "CREATING"),
    Stuck(
        "plan",
        spot,
        environments_are("UPDATING"),
        "batch.lifecycle.wait_until_settled",
        "UPDATING",
    ),
    Stuck(
        "down",
        spot,
        ignores("batch.DeleteComputeEnvironment"),
        "batch.lifecycle.wait_until_gone",
        "VALID",
    ),
    Stuck(
        "up", job_queue, job_queues_are("CREATING"), "batch.lifecycle.wait_until_valid", "CREATING"
    ),
    Stuck(
        "plan",
        job_queue,
        job_queues_are("UPDATING"),
        "batch.lifecycle.wait_until_settled",
        "UPDATING",
    ),
    Stuck(
        "down",
        job_queue,
        ignores("batch.DeleteJobQueue"),
        "batch.lifecycle.wait_until_gone",
        "VALID",
    ),
    Stuck("down", job_queue, JOBS, "batch.queues._end_jobs", "1 jobs"),
]
