"""AWS Signature Version 4, by hand, so that each part of it can be forged.

Source: IAM User Guide, "Create a signed AWS API request".
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote, urlencode

from http_by_hand import Request

ALGORITHM = "AWS4-HMAC-SHA256"
REGION = "us-east-1"


@dataclass(frozen=True)
class Key:
    """An access key, real or not."""

    id: str
    secret: str
    token: str = ""


@dataclass(frozen=True)
class Scope:
    """What a signature is for, and how old it claims to be."""

    service: str
    region: str = REGION
    age: timedelta = timedelta()

    def stamp(self) -> str:
        """Return the time of the signature."""
        return (datetime.now(UTC) - self.age).strftime("%Y%m%dT%H%M%SZ")


def signed(request: Request, key: Key, scope: Scope) -> Request:
    """Return the request with a right signature of all its headers, Host among them."""
    stamp = scope.stamp()
    digest = hashlib.sha256(request.body).hexdigest()
    whole = request.having(X_Amz_Date=stamp, X_Amz_Content_Sha256=digest)
    if key.token:
        whole = whole.having(X_Amz_Security_Token=key.token)
    names = ";".join(sorted(name.lower() for name, _ in whole.headers))
    credential = f"{key.id}/{_scope(stamp, scope)}"
    signature = _signature(_canonical(whole, names, digest), key, scope, stamp)
    value = f"{ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}"
    return whole.having(Authorization=value)


def presigned(request: Request, key: Key, scope: Scope, signature: str = "") -> Request:
    """Return the request with a signature in its query: the right one unless one is given."""
    stamp = scope.stamp()
    fields = {
        "X-Amz-Algorithm": ALGORITHM,
        "X-Amz-Credential": f"{key.id}/{_scope(stamp, scope)}",
        "X-Amz-Date": stamp,
        "X-Amz-Expires": "900",
        "X-Amz-SignedHeaders": "host",
    }
    query = urlencode(fields, quote_via=quote, safe="")
    joint = "&" if "?" in request.target else "?"
    whole = replace(request, target=f"{request.target}{joint}{query}")
    digest = hashlib.sha256(request.body).hexdigest()
    right = _signature(_canonical(whole, "host", digest), key, scope, stamp)
    return replace(whole, target=f"{whole.target}&X-Amz-Signature={signature or right}")


def _scope(stamp: str, scope: Scope) -> str:
    return f"{stamp[:8]}/{scope.region}/{scope.service}/aws4_request"


def _canonical(request: Request, names: str, digest: str) -> str:
    path, _, query = request.target.partition("?")
    pairs = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
        for name, value in parse_qsl(query, keep_blank_values=True)
    )
    lines = [f"{name}:{request.value(name).strip()}" for name in names.split(";")]
    joined = "&".join(f"{name}={value}" for name, value in pairs)
    return "\n".join([request.method, path, joined, *lines, "", names, digest])


def _signature(canonical: str, key: Key, scope: Scope, stamp: str) -> str:
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    secret = f"AWS4{key.secret}".encode()
    for part in (stamp[:8], scope.region, scope.service, "aws4_request"):
        secret = hmac.digest(secret, part.encode(), "sha256")
    text = f"{ALGORITHM}\n{stamp}\n{_scope(stamp, scope)}\n{hashed}"
    return hmac.digest(secret, text.encode(), "sha256").hex()
