"""What an AWS error says: its code, its message, whether it means "absent" or "already there".

The services spell one meaning in several ways (SQS answers two codes, Batch knows only
ClientException and tells cases apart by text), so the spellings stand here once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from batchctl.errors import BatchctlError

MISSING_CODES = frozenset(
    {
        "NoSuchEntity",
        "ResourceNotFoundException",
        "NotFoundException",
        "QueueDoesNotExist",
        "AWS.SimpleQueueService.NonExistentQueue",
        "LoadBalancerNotFound",
        "TargetGroupNotFound",
        "ListenerNotFound",
        "RuleNotFound",
        "InvalidTarget",
        "InvalidGroup.NotFound",
        "InvalidVpcID.NotFound",
        "InvalidSubnetID.NotFound",
        "RepositoryNotFoundException",
        "ImageNotFoundException",
        "LifecyclePolicyNotFoundException",
    }
)
EXISTING_CODES = frozenset(
    {
        "EntityAlreadyExists",
        "QueueNameExists",
        "QueueAlreadyExists",
        "ResourceInUseException",
        "ResourceAlreadyExistsException",
        "ResourceConflictException",
        "RepositoryAlreadyExistsException",
        "DuplicateLoadBalancerName",
        "DuplicateTargetGroupName",
        "DuplicateListener",
        "PriorityInUse",
        "InvalidGroup.Duplicate",
        "ConflictException",
    }
)
EXPIRED_CODES = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})


class AmbiguousOutcome(BatchctlError):
    """A call that must not be repeated got no answer: it may or may not have taken effect."""


class NotReady(BatchctlError):
    """What was waited for did not happen before its deadline."""


def code_of(error: ClientError) -> str:
    """Return AWS's error code; of SQS's two spellings the one of the service model."""
    details = error.response.get("Error", {})
    return str(details.get("QueryErrorCode") or details.get("Code", ""))


def message_of(error: ClientError) -> str:
    """Return AWS's own message, or an empty string."""
    return str(error.response.get("Error", {}).get("Message", ""))


def is_missing(error: ClientError) -> bool:
    """Whether AWS says that the thing asked for is not there."""
    if code_of(error) in MISSING_CODES:
        return True
    return code_of(error) == "ClientException" and "does not exist" in message_of(error).lower()


def is_existing(error: ClientError) -> bool:
    """Whether AWS says that the thing to be created is there already."""
    if code_of(error) in EXISTING_CODES:
        return True
    return code_of(error) == "ClientException" and "already exists" in message_of(error).lower()


@contextmanager
def ignore_missing() -> Iterator[None]:
    """Make "it is not there" a quiet end of the block, as a delete wants it."""
    try:
        yield
    except ClientError as error:
        if not is_missing(error):
            raise


def explain(error: BaseException) -> tuple[str, str | None]:
    """Return what happened and, where there is a next step, a hint, for any error of a call.

    A ClientError gives AWS's code and message with the operation's name.
    """
    if isinstance(error, BatchctlError):
        return error.message, error.hint
    if isinstance(error, ClientError):
        text = f"{error.operation_name}: {code_of(error)}: {message_of(error)}"
        return text, _hint(code_of(error))
    if isinstance(error, BotoCoreError):
        return str(error), _BOTOCORE_HINTS.get(type(error).__name__)
    return f"{type(error).__name__}: {error}", "run again with `--debug` for the traceback"


_CREDENTIALS_HINT = (
    "log in (`aws sso login`), set AWS_PROFILE or pass `--profile`; `--local` needs no account"
)
_BOTOCORE_HINTS = {
    "NoCredentialsError": _CREDENTIALS_HINT,
    "PartialCredentialsError": _CREDENTIALS_HINT,
    "CredentialRetrievalError": _CREDENTIALS_HINT,
    "TokenRetrievalError": _CREDENTIALS_HINT,
    "SSOTokenLoadError": _CREDENTIALS_HINT,
    "UnauthorizedSSOTokenError": _CREDENTIALS_HINT,
    "ProfileNotFound": "check `--profile` and AWS_PROFILE against `aws configure list-profiles`",
    "NoRegionError": "set `region` in config.yaml, pass `--region` or set AWS_REGION",
    "EndpointConnectionError": "check the network, the region and AWS_ENDPOINT_URL",
    "ConnectTimeoutError": "check the network, the region and AWS_ENDPOINT_URL",
}


def _hint(code: str) -> str | None:
    if code in EXPIRED_CODES:
        return "renew the credentials and run the command again: it continues where it stopped"
    if code in {"InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch"}:
        return _CREDENTIALS_HINT
    if code in {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}:
        return "the credentials in use lack this permission: ask for it and run the command again"
    return None
