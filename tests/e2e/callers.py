"""Who tries to call a REST API with IAM: users, sessions, and requests changed after signing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from unittest.mock import patch

import boto3
from application import REGION, Application
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from doors import Door, Reply, root_of, sent

from batchctl.local.control.record import ACCESS_KEY_ID

NUMBERS = count()
STRANGER = "111111111111"
"""Another account of the local cloud."""


@dataclass(frozen=True)
class Signing:
    """How a request is signed, and what is changed afterwards."""

    credentials: Credentials
    region: str = REGION
    service: str = "execute-api"
    late_s: float = 0
    signer: type[SigV4Auth] = SigV4Auth
    then: Callable[[AWSRequest], object] = lambda _: None


@dataclass(frozen=True)
class Scene:
    """An application whose API asks for IAM, and the account around it."""

    application: Application
    door: Door
    role_arn: str
    other_api: str
    """The address of another API of the account, which asks for IAM as well."""
    jobs: list[str] = field(default_factory=list)

    @property
    def api_arn(self) -> str:
        """The API, as policies name it."""
        api_id = self.door.endpoint.split("/")[-2]
        return f"arn:aws:execute-api:{REGION}:{ACCESS_KEY_ID}:{api_id}/*"

    @property
    def root(self) -> Credentials:
        """The account's root."""
        return root_of(self.application)

    def client(self, service: str, credentials: Credentials) -> Any:
        """A client of the local cloud with these credentials."""
        return boto3.client(  # type: ignore[call-overload]
            service,
            region_name=REGION,
            endpoint_url=f"http://127.0.0.1:{self.application.gateway_port}",
            aws_access_key_id=credentials.access_key,
            aws_secret_access_key=credentials.secret_key,
            aws_session_token=credentials.token,
        )

    def user(self, *allowed: Mapping[str, Any], account: str = ACCESS_KEY_ID) -> Credentials:
        """Make a user of an account with these statements in its policy."""
        iam = self.client("iam", Credentials(account, self.root.secret_key))
        name = f"user-{next(NUMBERS)}"
        iam.create_user(UserName=name)
        if allowed:
            document = {"Version": "2012-10-17", "Statement": list(allowed)}
            iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(document))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return Credentials(key["AccessKeyId"], key["SecretAccessKey"])

    def session(self, user: Credentials) -> Credentials:
        """Assume the API's role as a user."""
        sts = self.client("sts", user)
        given = sts.assume_role(RoleArn=self.role_arn, RoleSessionName="test")["Credentials"]
        return Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])

    def submits(self, signing: Signing | None) -> str:
        """Submit a job with a signature or without; return the status, and an error's name."""
        self.jobs.append(f"job-{next(NUMBERS)}")
        body = json.dumps({"job_id": self.jobs[-1], "universe": ["A"]}).encode()
        return told(self.call("PUT", f"{self.door.endpoint}/v1/new-task", body, signing))

    def call(self, method: str, url: str, body: bytes, signing: Signing | None) -> Reply:
        """Send a request, signed as `signing` says."""
        request = AWSRequest(method, url, {"content-type": "application/json"}, body)
        if signing is not None:
            moment = datetime.now(UTC) - timedelta(seconds=signing.late_s)
            with patch("botocore.auth.get_current_datetime", lambda: moment):
                signer = signing.signer(signing.credentials, signing.service, signing.region)
                signer.add_auth(request)
            signing.then(request)
        assert request.url
        assert request.data is not None
        return sent(method, request.url, request.data, dict(request.headers.items()))

    def exists(self, job_id: str) -> bool:
        """Whether the job was taken, as the account's root sees it."""
        return self.door.get(f"/v1/tasks/{job_id}").status == 200


def told(reply: Reply) -> str:
    """Say in two words what came back: `403 AccessDeniedException`."""
    return f"{reply.status} {reply.headers.get('x-amzn-errortype', '')}".rstrip()


def refused_by(call: Callable[[], object]) -> str:
    """Return the code of the error that a call of AWS's ends with; `done` when it succeeds."""
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "done"


def allow(action: str, resource: str) -> dict[str, str]:
    """A statement of a policy."""
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def deny(action: str, resource: str) -> dict[str, str]:
    """A statement of a policy that forbids."""
    return {**allow(action, resource), "Effect": "Deny"}
