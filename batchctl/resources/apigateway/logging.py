"""What API Gateway needs for its logs.

A role that is set once for an account and region, and for each API the log group of its errors.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from batchctl.aws.errors import ignore_missing, is_existing
from batchctl.aws.session import Aws
from batchctl.resource import (
    Actual,
    Deployed,
    Group,
    Outputs,
    Properties,
    Resource,
    is_unknown,
)
from batchctl.resource.grants import Grant
from batchctl.resources.apigateway.rest_apis import RestApi
from batchctl.resources.iam import policies as iam_policies
from batchctl.resources.iam.roles import tag_list
from batchctl.resources.logs import API_ERRORS, LogGroup, read_log_group

# API Gateway developer guide, "Set up CloudWatch logging for REST APIs".
MANAGED_POLICY = "service-role/AmazonAPIGatewayPushToCloudWatchLogs"


SHARED_ROLE = ("role/batchctl-api-gateway-logs",)


@dataclass(frozen=True, kw_only=True)
class ApiLogging(Resource[Outputs]):
    """The region's one role for the logs of all REST APIs, ours or others': made when missing.

    A role that is set already stays, whoever set it: other APIs log by it. So does ours after
    `down`, as other stacks may have come to use it. One that is set but was deleted lets no API of
    the region log: ours takes its place, and the plan says whose it was.
    """

    permissions_boundary: str | None = None
    path: str = "/"

    kind: ClassVar[str] = "api_logging"
    group: ClassVar[Group | None] = Group.FRONT_DOOR
    identity: ClassVar[tuple[str, ...]] = ("RoleName",)
    taggable: ClassVar[bool] = False
    shared: ClassVar[bool] = True
    grants: ClassVar[tuple[Grant, ...]] = (
        Grant("read up", "apigateway", "GET", ("/account",)),
        Grant("up", "apigateway", "PATCH", ("/account",)),
        Grant("read up", "iam", "GetRole", SHARED_ROLE),
        Grant("up", "iam", "CreateRole TagRole", SHARED_ROLE),
        Grant(
            "up",
            "iam",
            "AttachRolePolicy",
            SHARED_ROLE,
            {"ArnLike": {"iam:PolicyARN": (f"arn:*:iam::aws:policy/{MANAGED_POLICY}",)}},
        ),
        Grant(
            "up",
            "iam",
            "PassRole",
            SHARED_ROLE,
            {"StringEquals": {"iam:PassedToService": ("apigateway.amazonaws.com",)}},
        ),
    )

    def desired(self, deployed: Deployed) -> Properties:
        """Return RoleName, of the role that is made when none is set, and that the one set is."""
        del deployed
        return {"RoleName": self.name, "exists": True}

    @classmethod
    def read(
        cls, aws: Aws, recorded: Outputs | None, desired: Properties
    ) -> Actual[Outputs] | None:
        """Find the role that is set; None when none is, or ours is set and gone."""
        del recorded
        name = str(desired["RoleName"])
        arn = aws.apigateway.get_account().get("cloudwatchRoleArn")
        if not arn:
            return None
        set_name = arn.rpartition("/")[2]
        # Of another account's role nothing is known.
        is_here = arn.split(":")[4:5] == [aws.account]
        exists = not is_here or _exists(aws, set_name)
        if not exists and set_name == name:
            return None
        gone = () if exists else (_gone(arn),)
        properties = {"RoleName": name, "exists": exists}
        return Actual(Outputs(id=set_name, arn=arn), properties, notes=gone)

    def create(self, aws: Aws, desired: Properties) -> Outputs:
        """Make the role and set it; API Gateway checks its permissions immediately."""
        name = desired["RoleName"]
        arn = self._make_role(aws, name)
        aws.apigateway.update_account(
            patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": arn}]
        )
        return Outputs(id=name, arn=arn)

    def update(
        self, aws: Aws, actual: Actual[Outputs], desired: Properties, changed: Properties
    ) -> Outputs:
        """Set our role in the place of one that was deleted."""
        return self.create(aws, desired) if "exists" in changed else actual.outputs

    def _make_role(self, aws: Aws, name: str) -> str:
        """Make the role, or finish one that another run began; return its ARN."""
        principal = {"Service": aws.partition.service_principal("apigateway")}
        statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        boundary: Any = (
            {"PermissionsBoundary": self.permissions_boundary} if self.permissions_boundary else {}
        )
        try:
            arn = aws.iam.create_role(
                RoleName=name,
                Path=self.path,
                AssumeRolePolicyDocument=json.dumps(iam_policies.document([statement])),
                Description="API Gateway writes its logs of REST APIs by it; made by batchctl",
                Tags=tag_list(aws.user_tags),
                **boundary,
            )["Role"]["Arn"]
        except ClientError as error:
            if not is_existing(error):
                raise
            arn = aws.iam.get_role(RoleName=name)["Role"]["Arn"]
        aws.iam.attach_role_policy(
            RoleName=name, PolicyArn=aws.partition.managed_policy(MANAGED_POLICY)
        )
        return arn

    @classmethod
    def delete(cls, aws: Aws, recorded: Outputs) -> None:
        """Leave it: other APIs of the region log by it."""


@dataclass(frozen=True, kw_only=True)
class ErrorLogGroup(LogGroup):
    """The log group of a stage's errors, whose name is API Gateway's own.

    API Gateway would make it, to be kept for ever (API Gateway developer guide, "Set up CloudWatch
    logging for REST APIs"). As the API's id is in its name, it is ours even without a mark.
    """

    api: RestApi
    stage: str

    def desired(self, deployed: Deployed) -> Properties:
        """Return logGroupName and retentionInDays."""
        name = f"{API_ERRORS}{deployed[self.api].id}/{self.stage}"
        return {**super().desired(deployed), "logGroupName": name}

    @classmethod
    def read(
        cls, aws: Aws, recorded: Outputs | None, desired: Properties
    ) -> Actual[Outputs] | None:
        """Find the group by its exact name, whoever made it; None when there is none.

        The log of an API that is gone, which `down` kept, is none of the next one's.
        """
        del recorded
        name = str(desired["logGroupName"])
        return None if is_unknown(name) else read_log_group(aws, name)


def _gone(arn: str) -> str:
    """Say what is wrong with a role that is set and was deleted, and what is done about it."""
    return (
        f"API Gateway's role for logs in this region is `{arn}`, which whoever made it deleted: no "
        "API of the region can log. Another role is set in its place; to keep that one, make it "
        "again by hand first"
    )


def _exists(aws: Aws, name: str) -> bool:
    with ignore_missing():
        aws.iam.get_role(RoleName=name)
        return True
    return False
