"""Who calls, proven: every signature is verified here before the emulator sees the request.

The emulator takes the root of an account by its number alone, and checks others only where it
comes to their permissions.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from batchctl.local.front import payload
from batchctl.local.front.sigv4 import (
    Call,
    Signature,
    SignatureError,
    mismatch,
    signature_of,
    verify,
)

AGE_S = 5 * 60
"""IAM User Guide, "Elements of an AWS API request signature": within five minutes, …"""

LONGER_AGE_S = 15 * 60
"""… but for these, where AWS takes fifteen (Amazon S3 API Reference, "RequestTimeTooSkewed")."""

LONGER_AGE_SERVICES = frozenset(
    {"dynamodb", "ecr", "elasticache", "iam", "rds", "s3", "sns", "sqs", "sts"}
)
ROOT_AGE_S = 10 * 60
"""Ours: what root signed is good for ten minutes at most, whatever a presigned request asks."""

_ROOT = re.compile(r"[0-9]{12}")


@dataclass(frozen=True)
class Credential:
    """What belongs to an access key: its account, its secret, and a session's token."""

    account: str
    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


Lookup = Callable[[str], Credential | None]
"""Finds a user's or a session's key; None for one that nobody has, SignatureError for one that is
no longer good."""


@dataclass(frozen=True)
class Caller:
    """Who a request says that it is from, once all was checked that doesn't need its body."""

    signature: Signature
    credential: Credential
    is_verified: bool

    @property
    def account(self) -> str:
        """The account that the caller belongs to."""
        return self.credential.account


class Verifier:
    """Verifies requests of root, users and sessions of one cloud."""

    def __init__(self, root_secret: str, lookup: Lookup, clock: Callable[[], float]) -> None:
        """Take the root secret for the root of each account: its access key is its number."""
        self._root_secret, self._lookup, self._clock = root_secret, lookup, clock

    def caller(self, call: Call) -> Caller:
        """Return who calls; SignatureError unless all is good that the body isn't needed for.

        Nothing of the body should be read before.
        """
        signature = signature_of(call)
        credential = self._credential(signature.access_key_id)
        _require_token(signature, credential)
        self._require_time(signature)
        named = payload.named_hash(call, signature)
        if named is not None:
            verify(call, signature, credential.secret, named)
        return Caller(signature, credential, is_verified=named is not None)

    def check_body(self, call: Call, caller: Caller) -> None:
        """Raise SignatureError unless the body is the one that the caller signed."""
        if not caller.is_verified:
            digest = hashlib.sha256(call.body).hexdigest()
            verify(call, caller.signature, caller.credential.secret, digest)
        payload.check(call, caller.signature, caller.credential.secret)

    def _credential(self, access_key_id: str) -> Credential:
        if _ROOT.fullmatch(access_key_id):
            return Credential(access_key_id, self._root_secret)
        found = self._lookup(access_key_id)
        if found is None:
            raise unknown_key()
        return found

    def _require_time(self, signature: Signature) -> None:
        signed_at = _seconds(signature.timestamp)
        age = self._clock() - signed_at
        longest = LONGER_AGE_S if signature.service in LONGER_AGE_SERVICES else AGE_S
        expires = signature.expires_s
        if _ROOT.fullmatch(signature.access_key_id):
            longest = min(longest, ROOT_AGE_S)
            expires = None if expires is None else min(expires, ROOT_AGE_S)
        if age < -longest:
            raise SignatureError(
                "RequestTimeTooSkewed", f"Signature not yet current: {signature.timestamp}"
            )
        if expires is not None and age > expires:
            raise SignatureError("RequestExpired", "Request has expired")
        if expires is None and age > longest:
            raise SignatureError(
                "RequestTimeTooSkewed",
                f"Signature expired: {signature.timestamp} is more than {longest // 60} min. ago",
            )


def unknown_key() -> SignatureError:
    """Return the error of an access key that nobody has, or no longer."""
    return SignatureError(
        "InvalidClientTokenId", "The security token included in the request is invalid."
    )


def _require_token(signature: Signature, credential: Credential) -> None:
    if not hmac.compare_digest(signature.token.encode(), (credential.token or "").encode()):
        raise unknown_key()


def _seconds(timestamp: str) -> float:
    try:
        return datetime.fromisoformat(timestamp).timestamp()
    except ValueError as error:
        raise mismatch() from error
