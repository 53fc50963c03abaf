"""What API Gateway needs for its logs.

A role that is set once for an account and region, and for each API the log group of its errors.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import ClassVar

from botocore.exceptions import ClientError

from batchctl.aws.errors import ignore_missing, is_existing
from batchctl.aws.session import Aws
from batchctl.resource import Actual, Deployed, Outputs, Properties, Resource
from batchctl.resources.apigateway.rest_apis import RestApi
from batchctl.resources.iam import policies as iam_policies
from batchctl.resources.iam.roles import tag_list
from batchctl.resources.logs import API_ERRORS, LogGroup, read_log_group

# API Gateway developer guide, "Set up CloudWatch logging for REST APIs".
MANAGED_POLICY = "service-role/AmazonAPIGatewayPushToCloudWatchLogs"


@dataclass(frozen=True, kw_only=True)
class ApiLogging(Resource[Outputs]):
    """The region's one role for the logs of all REST APIs, ours or others': made when missing.

    A role that is set already stays, whoever set it: other APIs log by it. So does ours after
    `down`, as other stacks may have come to use it.
    """

    kind: ClassVar[str] = "api_logging"
    identity: ClassVar[tuple[str, ...]] = ("RoleName",)
    taggable: ClassVar[bool] = False
    shared: ClassVar[bool] = True

    def desired(self, deployed: Deployed) -> Properties:
        """Return RoleName: of the role that is made when none is set."""
        del deployed
        return {"RoleName": self.name}

    @classmethod
    def read(
        cls, aws: Aws, recorded: Outputs | None, desired: Properties
    ) -> Actual[Outputs] | None:
        """Find the role that is set; None when none is, or ours is set and gone."""
        del recorded
        name = str(desired["RoleName"])
        arn = aws.apigateway.get_account().get("cloudwatchRoleArn")
        if not arn or (arn == _arn(aws, name) and not _exists(aws, name)):
            return None
        return Actual(Outputs(id=arn.rpartition("/")[2], arn=arn), {"RoleName": name})

    def create(self, aws: Aws, desired: Properties) -> Outputs:
        """Make the role and set it; API Gateway checks its permissions immediately."""
        name = desired["RoleName"]
        _make_role(aws, name)
        arn = _arn(aws, name)
        aws.apigateway.update_account(
            patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": arn}]
        )
        return Outputs(id=name, arn=arn)

    def update(
        self, aws: Aws, actual: Actual[Outputs], desired: Properties, changed: Properties
    ) -> Outputs:
        """Return it as it is: there is nothing in it that is ours to change."""
        del aws, desired, changed
        return actual.outputs

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
        """Find the group by its exact name, whoever made it; None when there is none."""
        return read_log_group(aws, recorded.id if recorded else str(desired["logGroupName"]))


def _arn(aws: Aws, name: str) -> str:
    return aws.arn("iam", f"role/{name}", is_global=True)


def _exists(aws: Aws, name: str) -> bool:
    with ignore_missing():
        aws.iam.get_role(RoleName=name)
        return True
    return False


def _make_role(aws: Aws, name: str) -> None:
    """Make the role, or finish one that another run began."""
    principal = {"Service": aws.partition.service_principal("apigateway")}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    try:
        aws.iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps(iam_policies.document([statement])),
            Description="API Gateway writes the access logs of REST APIs by it; made by batchctl",
            Tags=tag_list(aws.user_tags),
        )
    except ClientError as error:
        if not is_existing(error):
            raise
    aws.iam.attach_role_policy(
        RoleName=name, PolicyArn=aws.partition.managed_policy(MANAGED_POLICY)
    )
