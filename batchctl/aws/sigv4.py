"""Signature Version 4 for requests to an API Gateway API with IAM authorization.

The credentials are the caller's own, or those of a role that the caller assumes; both are refreshed
while a command waits for a long job.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials, RefreshableCredentials
from botocore.exceptions import ClientError, NoCredentialsError

from batchctl.aws.errors import code_of, message_of
from batchctl.errors import BatchctlError

if TYPE_CHECKING:
    from batchctl.aws.session import Aws

SERVICE = "execute-api"
"""The service name in the signature's scope (API Gateway developer guide, "Signing requests")."""

SESSION_NAME = "batchctl"


class Signable(Protocol):
    """A request as it is going to be sent: it must not change after it was signed."""

    @property
    def method(self) -> str:
        """The HTTP method, in capitals."""

    @property
    def url(self) -> str:
        """The whole URL, percent-encoded, with its query."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers to send, without the signature's own."""

    @property
    def body(self) -> bytes:
        """The body, empty when there is none."""


class Signer:
    """Signs requests to APIs of one region with credentials that are refreshed when they expire."""

    def __init__(self, credentials: Credentials, region: str) -> None:
        """Keep both; nothing is called."""
        self._credentials = credentials
        self._region = region

    def __call__(self, request: Signable) -> Mapping[str, str]:
        """Return the headers to send the request with: its own, and the signature's."""
        unsigned = AWSRequest(
            method=request.method,
            url=_canonical(request.url),
            headers=_stable(request.headers),
            data=request.body,
        )
        SigV4Auth(self._credentials.get_frozen_credentials(), SERVICE, self._region).add_auth(
            unsigned
        )
        return {**request.headers, **dict(unsigned.headers.items())}


def caller_signer(aws: Aws, region: str) -> Signer:
    """Return a signer with the credentials in use; NoCredentialsError when there are none."""
    credentials = aws.connection.session.get_credentials()
    if credentials is None:
        raise NoCredentialsError
    return Signer(credentials, region)


def role_signer(aws: Aws, region: str, role_arn: str) -> Signer:
    """Return a signer with credentials of a role, which is assumed now, and again when they expire.

    BatchctlError, with who lacks permission to assume what, when STS refuses.
    """
    refresh = _assume(aws, role_arn)
    credentials = RefreshableCredentials.create_from_metadata(
        metadata=refresh(), refresh_using=refresh, method="sts-assume-role"
    )
    return Signer(credentials, region)


def _assume(aws: Aws, role_arn: str) -> Callable[[], dict[str, str]]:
    def refresh() -> dict[str, str]:
        try:
            answer = aws.sts.assume_role(RoleArn=role_arn, RoleSessionName=SESSION_NAME)
        except ClientError as error:
            if code_of(error) != "AccessDenied":
                raise
            raise _refused(role_arn, message_of(error)) from error
        given = answer["Credentials"]
        return {
            "access_key": given["AccessKeyId"],
            "secret_key": given["SecretAccessKey"],
            "token": given["SessionToken"],
            "expiry_time": given["Expiration"].isoformat(),
        }

    return refresh


def _refused(role_arn: str, why: str) -> BatchctlError:
    return BatchctlError(
        f"could not assume the role `{role_arn}`: {why}",
        hint="ask an administrator of this account for `sts:AssumeRole` on this role; "
        "with `execute-api:Invoke` on the API you don't need `--assume-api-role`; "
        "a new role takes some seconds to be visible everywhere",
    )


def _canonical(url: str) -> str:
    """Encode the query as the receiver does before it compares: for it, `%31` is `1`."""
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    return urlunsplit(parts._replace(query=urlencode(query, quote_via=quote)))


def _stable(headers: Mapping[str, str]) -> dict[str, str]:
    """Choose the headers to sign: proxies can rewrite others, such as `accept`."""
    kept = ("content-type", "host")
    return {
        name: value
        for name, value in headers.items()
        if name.lower() in kept or name.lower().startswith("x-amz-")
    }
