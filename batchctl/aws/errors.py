"""What an AWS error says: its code, its message, whether it means "absent" or "already there".

The services spell one meaning in several ways (SQS answers two codes, Batch knows only
ClientException and tells cases apart by text), so the spellings stand here once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from batchctl.errors import BatchctlError, LoggedOut

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
        "InvalidLaunchTemplateId.NotFound",
        "InvalidLaunchTemplateId.VersionNotFound",
        # Spelled so by an emulator.
        "InvalidLaunchTemplateId.NotFoundException",
        "InvalidLaunchTemplateName.NotFoundException",
        "InvalidVpcID.NotFound",
        "InvalidSubnetID.NotFound",
        "RepositoryNotFoundException",
        "ImageNotFoundException",
        "LifecyclePolicyNotFoundException",
        "WAFNonexistentItemException",
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
        "InvalidLaunchTemplateName.AlreadyExistsException",
        "ConflictException",
    }
)
# The services' API references, "Common errors": what was good once (EC2's own spelling is
# RequestExpired), and what never was.
EXPIRED_CODES = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
REFUSED_CODES = frozenset(
    {
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "MissingAuthenticationToken",
        "IncompleteSignature",
    }
)


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


def login_error(error: BaseException) -> LoggedOut | None:
    """Return the one error that ends a run when the credentials are the cause, else None.

    That is what AWS says of them, and what botocore meets when it renews them.
    """
    if isinstance(error, ClientError):
        if not _is_about_credentials(error):
            return None
        return LoggedOut(
            f"could not go on: AWS takes the credentials no longer: {explain(error)[0]}",
            hint=_login_hint(error),
        )
    if type(error).__name__ in _LOGIN_ERRORS:
        return LoggedOut(f"could not go on: {error}", hint=_CREDENTIALS_HINT)
    return None


def _is_about_credentials(error: ClientError) -> bool:
    code = code_of(error)
    # EC2 gives AuthFailure for things that the credentials may not use as well.
    invalid = code == "AuthFailure" and "access credentials" in message_of(error)
    return invalid or code in EXPIRED_CODES | REFUSED_CODES


def _login_hint(error: ClientError) -> str:
    if code_of(error) in EXPIRED_CODES:
        return _EXPIRED_HINT
    if "signature" in code_of(error).lower():
        return f"{_CREDENTIALS_HINT}; a clock that is wrong by minutes is answered so as well"
    return f"{_CREDENTIALS_HINT}; a region that the account has not enabled answers so as well"


def explain(error: BaseException) -> tuple[str, str | None]:
    """Return what happened and, where there is a next step, a hint, for any error of a call.

    A ClientError gives AWS's code and message with the operation's name, and how long it was
    waited for that to pass.
    """
    if isinstance(error, BatchctlError):
        return error.message, error.hint
    waited = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
    again = "run the command again: it continues from here" if waited else None
    if isinstance(error, ClientError):
        text = f"{error.operation_name}: {code_of(error)}: {message_of(error)}{waited}"
        return text, _hint(code_of(error)) or again
    if isinstance(error, BotoCoreError):
        return f"{error}{waited}", _BOTOCORE_HINTS.get(type(error).__name__, again)
    return f"{type(error).__name__}: {error}", "run again with `--debug` for the traceback"


_CREDENTIALS_HINT = (
    "log in (`aws sso login`), set AWS_PROFILE or pass `--profile`; `--local` needs no account"
)
_EXPIRED_HINT = "log in again, then run the same command: it continues where it stopped"
_LOGIN_ERRORS = (
    "NoCredentialsError",
    "PartialCredentialsError",
    "CredentialRetrievalError",
    "TokenRetrievalError",
    "SSOTokenLoadError",
    "UnauthorizedSSOTokenError",
)
_BOTOCORE_HINTS = {
    **dict.fromkeys(_LOGIN_ERRORS, _CREDENTIALS_HINT),
    "ProfileNotFound": "check `--profile` and AWS_PROFILE against `aws configure list-profiles`",
    "NoRegionError": "set `region` in config.yaml, pass `--region` or set AWS_REGION",
    "EndpointConnectionError": "check the network, the region and AWS_ENDPOINT_URL",
    "ConnectTimeoutError": "check the network, the region and AWS_ENDPOINT_URL",
}


def _hint(code: str) -> str | None:
    if code in EXPIRED_CODES:
        return _EXPIRED_HINT
    if code in REFUSED_CODES:
        return _CREDENTIALS_HINT
    if code in {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}:
        return "the credentials in use lack this permission: ask for it and run the command again"
    return None
