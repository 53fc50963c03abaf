"""Checks of the account: whose credentials, where, for how long, clocks, service-linked roles."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from botocore.credentials import RefreshableCredentials
from botocore.exceptions import ClientError

from batchctl.application.doctor.findings import Check, Finding, ok, problem, warning
from batchctl.aws.errors import is_missing
from batchctl.contract.front_doors import FRONT_DOORS

if TYPE_CHECKING:
    from batchctl.application.building import BuildableApplication

SERVICES = ("batch", "dynamodb", "ec2", "ecr", "events", "lambda", "logs", "sqs")
ENDS_SOON_S = 15 * 60
"""A first `up` takes some minutes."""

MAX_SKEW_S = 240
"""IAM user guide, "Troubleshooting AWS signature version 4": a signature is good for 5 minutes."""

LINKED_ROLES = {
    "AWSServiceRoleForBatch": "batch.amazonaws.com",
    "AWSServiceRoleForECS": "ecs.amazonaws.com",
    "AWSServiceRoleForEC2Spot": "spot.amazonaws.com",
}
"""AWS Batch user guide, "Using service-linked roles"; ECS and Spot make theirs at the first use."""


def credentials(application: BuildableApplication) -> Iterator[Finding]:
    """Say whose credentials are in use, and for how long."""
    aws, config = application.aws, application.config
    identity = aws.sts.get_caller_identity()
    yield ok(f"`{identity['Arn']}` in account {identity['Account']}")
    if config.account_id is not None and config.account_id != identity["Account"]:
        yield problem(
            f"these credentials are of account {identity['Account']}, `account_id` in config.yaml "
            f"is {config.account_id}",
            "use credentials of that account (`--profile`), or correct config.yaml",
        )
    if identity["Arn"].endswith(":root"):
        yield warning(
            "these are the root user's credentials", "use those of a role or user instead"
        )
    ends = _end_of(application)
    if ends is not None:
        left = (ends - dt.datetime.now(dt.UTC)).total_seconds()
        text = f"they are good for {max(0, left) / 60:.0f} more minutes"
        if left < ENDS_SOON_S:
            yield warning(text, "log in again before `up`, which would stop in the middle")
        else:
            yield ok(text)


def _end_of(application: BuildableApplication) -> dt.datetime | None:
    found = application.aws.connection.session.get_credentials()
    if not isinstance(found, RefreshableCredentials):
        return None
    ends = vars(found).get("_expiry_time")
    return ends if isinstance(ends, dt.datetime) else None


def clock(application: BuildableApplication) -> Iterator[Finding]:
    """Compare this machine's clock with AWS's: signatures carry the time."""
    answer = application.aws.sts.get_caller_identity()
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    if date is None:
        return
    theirs = parsedate_to_datetime(date)
    skew = abs((dt.datetime.now(dt.UTC) - theirs.astimezone(dt.UTC)).total_seconds())
    if skew > MAX_SKEW_S:
        yield problem(
            f"this machine's clock differs from AWS's by {skew / 60:.0f} minutes",
            "set it (NTP): AWS refuses signatures with another time",
        )
    else:
        yield ok(f"this machine's clock differs from AWS's by {skew:.0f} s")


def region(application: BuildableApplication) -> Iterator[Finding]:
    """Look whether the region has every service that is used."""
    aws = application.aws
    session = aws.connection.session
    wanted = (*SERVICES, *FRONT_DOORS[application.config.api.mode].services)
    partition = aws.partition.id
    absent = [
        each
        for each in wanted
        if aws.region not in session.get_available_regions(each, partition_name=partition)
    ]
    if absent:
        # botocore's list is as old as botocore.
        yield warning(
            f"{aws.region} isn't known to have {', '.join(absent)}",
            "choose another region (`region` in config.yaml), or upgrade boto3",
        )
    else:
        yield ok(f"{aws.region} has every service that is used")


def service_linked_roles(application: BuildableApplication) -> Iterator[Finding]:
    """Look which roles AWS's services have in the account already."""
    iam = application.aws.iam
    absent = []
    for name, service in LINKED_ROLES.items():
        try:
            iam.get_role(RoleName=name)
        except ClientError as error:
            if not is_missing(error):
                raise
            absent.append(f"`{name}` ({service})")
    if absent:
        yield warning(
            f"there is no {', '.join(absent)} yet",
            "`up` has them made: the caller needs `iam:CreateServiceLinkedRole` for these services",
        )
    else:
        yield ok("the roles of AWS Batch, ECS and Spot are there")


CHECKS = (
    Check("credentials", credentials),
    Check("clock", clock),
    Check("region", region, calls=False),
    Check("service-linked roles", service_linked_roles),
)
