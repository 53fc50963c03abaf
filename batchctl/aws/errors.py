"""What an AWS error says: its code, its message, whether it means "absent" or "already there".

The services spell one meaning in several ways (SQS answers two codes, Batch knows only
ClientException and tells cases apart by text), so all spellings are here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from batchctl.aws.refusals import ACCESS_DENIED, refusal_hint
from batchctl.errors import BatchctlError, LoggedOut

MISSING_CODES = frozenset(
    {
        "NoSuchEntity",
        "ResourceNotFoundException",
        "TableNotFoundException",
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
        # Spelled so by emulators.
        "ResourceNotFound",
        "InvalidLaunchTemplateId.NotFoundException",
        "InvalidLaunchTemplateName.NotFoundException",
        "InvalidVpcID.NotFound",
        "InvalidSubnetID.NotFound",
        "RepositoryNotFoundException",
        "ImageNotFoundException",
        "LifecyclePolicyNotFoundException",
        "RepositoryPolicyNotFoundException",
        "PolicyNotFoundException",
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
# Of a deletion.
IN_USE_CODES = frozenset(
    {
        "DeleteConflict",
        "DependencyViolation",
        "InvalidGroup.InUse",
        "ResourceInUse",
        "ResourceInUseException",
    }
)
# The services' API references, "Common errors": credentials that were valid once (EC2 says
# RequestExpired), and credentials that never were.
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

# botocore's list of throttling codes (retries/standard.py) without LimitExceededException, which
# these services use for quotas as well.
THROTTLE_CODES = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottledException",
        "RequestThrottled",
        "TooManyRequestsException",
        "ProvisionedThroughputExceededException",
        "TransactionInProgressException",
        "RequestLimitExceeded",
        "BandwidthLimitExceeded",
        "SlowDown",
        "PriorRequestNotComplete",
        "EC2ThrottledException",
    }
)


class AmbiguousOutcome(BatchctlError):
    """No answer to a call that must not be repeated: whether it took effect is unknown."""

    code = "ambiguous_outcome"


class NoAnswerToLogin(BotoCoreError):
    """The login's own call got no answer: the call that needed the login wasn't sent."""

    fmt = "no answer to the login: {error}"


class NotReady(BatchctlError):
    """What was waited for did not happen in time."""

    code = "not_ready"


def code_of(error: ClientError) -> str:
    """Return AWS's error code; of SQS's two spellings the one of the service model."""
    details = error.response.get("Error", {})
    return str(details.get("QueryErrorCode") or details.get("Code", ""))


def message_of(error: ClientError) -> str:
    """Return AWS's own message, or an empty string."""
    return str(error.response.get("Error", {}).get("Message", ""))


def is_missing(error: ClientError) -> bool:
    """Whether AWS says that the resource doesn't exist."""
    if code_of(error) in MISSING_CODES:
        return True
    return code_of(error) == "ClientException" and "does not exist" in message_of(error).lower()


def is_existing(error: ClientError) -> bool:
    """Whether AWS says that the resource to be created already exists."""
    if code_of(error) in EXISTING_CODES:
        return True
    return code_of(error) == "ClientException" and "already exists" in message_of(error).lower()


def is_in_use(error: BaseException) -> bool:
    """Whether AWS refuses a deletion as something else still uses the resource."""
    return isinstance(error, ClientError) and code_of(error) in IN_USE_CODES


@contextmanager
def ignore_missing() -> Iterator[None]:
    """End the block without an error when the resource doesn't exist, as a delete needs it."""
    try:
        yield
    except ClientError as error:
        if not is_missing(error):
            raise


def is_refused(error: ClientError) -> bool:
    """Whether the credentials may not make the call (every service answers 403 then)."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return code_of(error) in ACCESS_DENIED or status == 403


@contextmanager
def ignore_refused() -> Iterator[None]:
    """End the block without an error when the credentials may not make a call in it."""
    try:
        yield
    except ClientError as error:
        if not is_refused(error):
            raise


def login_error(error: BaseException) -> LoggedOut | None:
    """Return the one error that ends a run when the credentials are the cause, else None.

    These are AWS's errors for credentials, and botocore's own when it refreshes them.
    """
    if isinstance(error, ClientError):
        if not _is_about_credentials(error):
            return None
        return LoggedOut(
            f"could not continue: AWS rejected the credentials: {explain(error)[0]}",
            hint=_login_hint(error),
        )
    if type(error).__name__ in _LOGIN_ERRORS:
        return LoggedOut(f"could not continue: {error}", hint=CREDENTIALS_HINT)
    return None


def _is_about_credentials(error: ClientError) -> bool:
    code = code_of(error)
    # EC2 also answers AuthFailure for resources that the credentials have no permission to use.
    invalid = code == "AuthFailure" and "access credentials" in message_of(error)
    return invalid or code in EXPIRED_CODES | REFUSED_CODES


def _login_hint(error: ClientError) -> str:
    if code_of(error) in EXPIRED_CODES:
        return _EXPIRED_HINT
    if "signature" in code_of(error).lower():
        return f"{CREDENTIALS_HINT}; a clock that is off by minutes also causes this error"
    return (
        f"{CREDENTIALS_HINT}; a region that is not enabled for the account also causes this error"
    )


def explain(error: BaseException) -> tuple[str, str | None]:
    """Return the message for any error of a call and, if there is a next step, a hint.

    For a ClientError: the operation's name, AWS's code and message, and how long the call was
    retried.
    """
    if isinstance(error, BatchctlError):
        return error.message, error.hint
    waited = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
    again = "run the command again: it continues from here" if waited else None
    if isinstance(error, ClientError):
        text = f"{error.operation_name}: {code_of(error)}: {message_of(error)}{waited}"
        return text, _hint(error) or again
    if isinstance(error, BotoCoreError):
        return f"{error}{waited}", _botocore_hint(error) or again
    return f"{type(error).__name__}: {error}", "run again with `--debug` for the traceback"


CREDENTIALS_HINT = (
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
_DUAL_STACK = re.compile(r"//[a-z0-9.-]+\.api\.(aws|amazonwebservices\.com\.cn)\b")
_DUAL_STACK_HINT = (
    "not every service has a dual-stack endpoint in every region: unset AWS_USE_DUALSTACK_ENDPOINT "
    "(`use_dualstack_endpoint` of the profile), or name this service's endpoint in "
    "AWS_ENDPOINT_URL_<SERVICE>"
)
_NETWORK_HINT = (
    "check the network, the region and AWS_ENDPOINT_URL; behind a proxy, set HTTPS_PROXY to it"
)
_PROXY_HINT = (
    "check HTTPS_PROXY (`http://user:password@host:port`), and NO_PROXY for what needs no proxy"
)
_TLS_HINT = (
    "where a proxy opens TLS, put a PEM file with its certificate authority and those of AWS into "
    "AWS_CA_BUNDLE; else check AWS_CA_BUNDLE, HTTPS_PROXY and this machine's clock"
)
_CUT_HINT = (
    "a proxy or the network's login page may be in between: check HTTPS_PROXY, NO_PROXY and "
    "AWS_CA_BUNDLE"
)
_BOTOCORE_HINTS = {
    **dict.fromkeys(_LOGIN_ERRORS, CREDENTIALS_HINT),
    "ProfileNotFound": "check `--profile` and AWS_PROFILE against `aws configure list-profiles`",
    "NoRegionError": "set `region` in config.yaml, pass `--region` or set AWS_REGION",
    "ConfigParseError": "correct the file, or name another one in AWS_CONFIG_FILE",
    **dict.fromkeys(
        ("EndpointConnectionError", "ConnectTimeoutError", "NoAnswerToLogin"), _NETWORK_HINT
    ),
    **dict.fromkeys(
        ("ConnectionClosedError", "ReadTimeoutError", "HTTPClientError", "NotAnAnswer"), _CUT_HINT
    ),
    **dict.fromkeys(("ProxyConnectionError", "InvalidProxiesConfigError"), _PROXY_HINT),
    "SSLError": _TLS_HINT,
}


def _botocore_hint(error: BotoCoreError) -> str | None:
    if type(error).__name__ == "EndpointConnectionError" and _DUAL_STACK.search(str(error)):
        return _DUAL_STACK_HINT
    return _BOTOCORE_HINTS.get(type(error).__name__)


def _hint(error: ClientError) -> str | None:
    code = code_of(error)
    if code in EXPIRED_CODES:
        return _EXPIRED_HINT
    if code in REFUSED_CODES:
        return CREDENTIALS_HINT
    return refusal_hint(code, message_of(error), error.operation_name)
