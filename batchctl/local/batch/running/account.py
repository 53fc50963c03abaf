"""What Batch asks of the other AWS services, as the account's root, through MiniStack."""

from __future__ import annotations

import base64
import email
import json
import re
import threading
import time
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import unquote

from botocore.exceptions import BotoCoreError, ClientError

from batchctl.local.batch.model.scope import Clock
from batchctl.local.batch.running.container_tasks import DEFAULT_LOG_GROUP
from batchctl.local.batch.running.executor import StartError
from batchctl.local.batch.running.logs import LogEvent
from batchctl.local.emulator.root_clients import RootClients

SESSION_S = 12 * 3600
"""AssumeRole, AWS STS API Reference: a role's session lasts 12 hours at most. ECS renews a task's;
we don't."""

FRESH_S = 2.0
"""So long a role's session is given to further tasks without asking for the role again; on AWS a
changed trust policy takes longer to work."""

# Amazon ECR User Guide, "Private registries": the form of an image's name.
_OWN_IMAGE = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/(?P<repository>[^:@]+)"
    r"(:(?P<tag>[^@]+))?(@(?P<digest>sha256:[0-9a-f]+))?"
)
_TASK_PRINCIPAL = "ecs-tasks.amazonaws.com"


class Account(Protocol):
    """The account that Batch works in."""

    def problem_with(self, environment: Mapping[str, Any]) -> str | None:
        """Return why a compute environment with these details can't work, None when it can."""

    def credentials(self, role_arn: str, session: str) -> Mapping[str, str]:
        """Return the environment variables that give a process a role; StartError if none can."""

    def create_log_stream(self, group: str, stream: str) -> None:
        """Make an attempt's log stream; StartError when its group is missing."""

    def put_log_events(self, group: str, stream: str, events: list[LogEvent]) -> None:
        """Write events to a stream; a group or stream that is gone loses them quietly."""


class EmulatorAccount:
    """The account in the emulator."""

    def __init__(
        self,
        endpoint_url: str,
        region: str,
        root: tuple[str, str],
        clock: Clock = time.monotonic,
    ) -> None:
        """Call `endpoint_url` with root's access key id and secret."""
        self._client, self._account_id = RootClients(endpoint_url, region, root), root[0]
        self._clock, self._sessions_lock = clock, threading.Lock()
        self._sessions: dict[str, tuple[Mapping[str, str], float]] = {}

    def problem_with(self, environment: Mapping[str, Any]) -> str | None:
        """Return the first thing that the environment names and the account hasn't."""
        resources = environment["computeResources"]
        profile = resources["instanceRole"].rpartition("/")[2]
        ec2, iam = self._client("ec2"), self._client("iam")
        checks = [
            ("get_instance_profile", iam, {"InstanceProfileName": profile}),
            ("describe_subnets", ec2, {"SubnetIds": resources["subnets"]}),
        ]
        groups = resources["securityGroupIds"]
        if groups:
            checks.append(("describe_security_groups", ec2, {"GroupIds": groups}))
        if "serviceRole" in environment:
            name = environment["serviceRole"].rpartition("/")[2]
            checks.append(("get_role", iam, {"RoleName": name}))
        try:
            if "serviceRole" not in environment:
                self._make_linked_role()
            for operation, client, parameters in checks:
                getattr(client, operation)(**parameters)
            return _template_problem(ec2, resources.get("launchTemplate"))
        except (ClientError, BotoCoreError) as error:
            return f"CLIENT_ERROR - {error}"

    def credentials(self, role_arn: str, session: str) -> Mapping[str, str]:
        """Return a session of the job role, whose trust policy must name ECS tasks.

        Tasks that start almost at once share one, with the name of the first.
        """
        with self._sessions_lock:
            found, at = self._sessions.get(role_arn, ({}, -FRESH_S))
            if self._clock() - at >= FRESH_S:
                found, at = self._new_session(role_arn, session), self._clock()
                self._sessions[role_arn] = found, at
            return found

    def _new_session(self, role_arn: str, session: str) -> Mapping[str, str]:
        self._require_trust(role_arn)
        try:
            answer = self._client("sts").assume_role(
                RoleArn=role_arn, RoleSessionName=session, DurationSeconds=SESSION_S
            )
        except (ClientError, BotoCoreError) as error:
            raise StartError(_no_role(role_arn, str(error))) from error
        given = answer["Credentials"]
        return {
            "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
            "AWS_SESSION_TOKEN": given["SessionToken"],
        }

    def image_problem(self, image: str) -> str | None:
        """Return why an image can't be pulled when it is one of this account's ECR and isn't there.

        Other registries can't be asked from here.
        """
        found = _OWN_IMAGE.fullmatch(image)
        if found is None or found["account"] != self._account_id:
            return None
        name = {"imageDigest": found["digest"]} if found["digest"] else {}
        identity = name or {"imageTag": found["tag"] or "latest"}
        try:
            self._client("ecr").describe_images(
                repositoryName=found["repository"], imageIds=[identity]
            )
        except (ClientError, BotoCoreError) as error:
            return f"failed to resolve reference {image}: {error}"
        return None

    def registry_password(self) -> str:
        """Return a password of the user `AWS` for the account's image registry; StartError."""
        try:
            given = self._client("ecr").get_authorization_token()["authorizationData"][0]
        except (ClientError, BotoCoreError) as error:
            raise StartError(f"CannotPullContainerError: could not log in: {error}") from error
        return base64.b64decode(given["authorizationToken"]).decode().partition(":")[2]

    def create_log_stream(self, group: str, stream: str) -> None:
        """Make the stream, and where it is Batch's own default group that too."""
        logs = self._client("logs")
        try:
            if group == DEFAULT_LOG_GROUP:
                self._create_log_group(group)
            logs.create_log_stream(logGroupName=group, logStreamName=stream)
        except (ClientError, BotoCoreError) as error:
            reason = f"CannotStartContainerError: could not create log stream in `{group}`: {error}"
            raise StartError(reason) from error

    def put_log_events(self, group: str, stream: str, events: list[LogEvent]) -> None:
        """Write the events; when the group was deleted meanwhile, they are lost as on AWS."""
        logs = self._client("logs")
        try:
            logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
        except logs.exceptions.ResourceNotFoundException:
            return

    def _require_trust(self, role_arn: str) -> None:
        # The emulator lets root assume any role that trusts any service; ECS may only where it is
        # named.
        try:
            role = self._client("iam").get_role(RoleName=role_arn.rpartition("/")[2])["Role"]
        except (ClientError, BotoCoreError) as error:
            raise StartError(_no_role(role_arn, str(error))) from error
        document = role["AssumeRolePolicyDocument"]
        if not trusts(document, _TASK_PRINCIPAL):
            reason = f"its trust policy does not let {_TASK_PRINCIPAL} assume it"
            raise StartError(_no_role(role_arn, reason))

    def _make_linked_role(self) -> None:
        # AWS Batch User Guide, "Using service-linked roles": made with the first environment that
        # names no role.
        iam = self._client("iam")
        try:
            iam.get_role(RoleName="AWSServiceRoleForBatch")
        except iam.exceptions.NoSuchEntityException:
            iam.create_service_linked_role(AWSServiceName="batch.amazonaws.com")

    def _create_log_group(self, group: str) -> None:
        logs = self._client("logs")
        try:
            logs.create_log_group(logGroupName=group)
        except logs.exceptions.ResourceAlreadyExistsException:
            return


def _template_problem(ec2: Any, specification: Mapping[str, str] | None) -> str | None:
    """Return why instances can't be launched by a launch template; None when they can.

    AWS Batch User Guide, "Use Amazon EC2 launch templates with AWS Batch": its user data is MIME
    multi-part; which version it is of is read now. The text is AWS's.
    """
    if not specification:
        return None
    version = specification.get("version") or "$Default"
    template = {key: value for key, value in specification.items() if key != "version"}
    named = {key[0].upper() + key[1:]: value for key, value in template.items()}
    found = ec2.describe_launch_template_versions(**named, Versions=[version])
    versions = found["LaunchTemplateVersions"]
    if not versions:
        return f"CLIENT_ERROR - Launch template version {version} does not exist"
    text = base64.b64decode(versions[0]["LaunchTemplateData"].get("UserData", "")).decode(
        errors="replace"
    )
    if text and not email.message_from_string(text).is_multipart():
        return "CLIENT_ERROR - Launch Template UserData is not MIME multipart format"
    return None


def trusts(document: Any, service: str) -> bool:
    """Return whether a trust policy allows a service principal to assume its role."""
    content = json.loads(unquote(document)) if isinstance(document, str) else document
    statements = content.get("Statement", [])
    return any(
        statement.get("Effect") == "Allow" and service in _services(statement)
        for statement in ([statements] if isinstance(statements, dict) else statements)
    )


def _services(statement: Mapping[str, Any]) -> list[str]:
    principal = statement.get("Principal", {})
    services = principal.get("Service", []) if isinstance(principal, dict) else []
    return [services] if isinstance(services, str) else list(services)


def _no_role(role_arn: str, why: str) -> str:
    return f"ECS was unable to assume the role '{role_arn}' that was provided for this task: {why}"
