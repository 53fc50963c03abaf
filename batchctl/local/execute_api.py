"""What API Gateway checks of a call to a REST API with IAM, and MiniStack doesn't.

MiniStack checks the signatures of users and roles, their age, and `execute-api:Invoke`. It takes
signatures for any region and service, any secret of an account's root, a body other than the one
that `x-amz-content-sha256` names, and looks for the API in the account of whoever calls.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from batchctl.local.batch.endpoint import Answer

MAX_BODY = 10 * 1024 * 1024
"""API Gateway developer guide, "Quotas for REST APIs": payloads of at most 10 MB."""

SERVICE = "execute-api"
ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True)
class Method:
    """The REST API's method that a request calls: where it is, and whether it asks for IAM."""

    arn: str
    asks_for_iam: bool

    @property
    def region(self) -> str:
        """The region of the API."""
        return self.arn.split(":")[3]

    @property
    def account(self) -> str:
        """The account of the API."""
        return self.arn.split(":")[4]


@dataclass(frozen=True)
class Call:
    """A request as it came in: the path as sent, headers in lower case."""

    method: str
    raw_path: str
    query_string: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the query, the last one of several."""
        return dict(parse_qsl(self.query_string, keep_blank_values=True))


@dataclass(frozen=True)
class Root:
    """The root of the local account, whose secret MiniStack doesn't know."""

    access_key_id: str
    secret: str


@dataclass(frozen=True)
class Signature:
    """What a signature in a header or a query says: whose it is, for what, over which headers."""

    access_key_id: str
    region: str
    service: str
    headers: tuple[str, ...]
    value: str
    is_in_query: bool


def refusal(call: Call, method: Method, caller_account: str | None, root: Root) -> Answer | None:
    """Return the 403 that API Gateway gives, None when MiniStack has to decide.

    `caller_account` is the account of the access key, None for a key that nobody has.
    """
    signature = signature_of(call)
    if not method.asks_for_iam or signature is None:
        return None
    if why := _scope_fault(signature, method):
        return _invalid(why)
    if _is_other_body(call):
        return _invalid(_MISMATCH)
    if caller_account is None:
        return _answer(
            "UnrecognizedClientException",
            {"message": "The security token included in the request is invalid."},
        )
    if caller_account != method.account:
        return _denied(caller_account, method)
    return _root_refusal(call, signature, root)


def signature_of(call: Call) -> Signature | None:
    """Read the signature of a request; None for none, or one that isn't whole."""
    header = call.headers.get("authorization", "")
    in_header = header.startswith(ALGORITHM)
    pairs = (
        [part.strip().partition("=")[::2] for part in header[len(ALGORITHM) :].split(",")]
        if in_header
        else [(name.lower().removeprefix("x-amz-"), value) for name, value in call.query.items()]
    )
    fields = {name.lower(): value for name, value in pairs}
    scope = fields.get("credential", "").split("/")
    if len(scope) != 5:
        return None
    return Signature(
        access_key_id=scope[0],
        region=scope[2],
        service=scope[3],
        headers=tuple(fields.get("signedheaders", "").split(";")),
        value=fields.get("signature", ""),
        is_in_query=not in_header,
    )


def _scope_fault(signature: Signature, method: Method) -> str:
    """Say what is wrong with the scope, as API Gateway does: nothing, or one or two sentences."""
    faults = []
    if signature.region != method.region:
        faults.append(f"Credential should be scoped to a valid region, not '{signature.region}'. ")
    if signature.service != SERVICE:
        faults.append(f"Credential should be scoped to correct service: '{SERVICE}'. ")
    return "".join(faults)


def _is_other_body(call: Call) -> bool:
    named = call.headers.get("x-amz-content-sha256")
    return named is not None and named != hashlib.sha256(call.body).hexdigest()


def _root_refusal(call: Call, signature: Signature, root: Root) -> Answer | None:
    """Check root's signature; MiniStack takes any, and has no use for one in a query."""
    is_root = signature.access_key_id.isdigit()
    if not is_root:
        return None
    is_good = signature.access_key_id == root.access_key_id and not signature.is_in_query
    if is_good and hmac.compare_digest(_expected(call, signature, root), signature.value):
        return None
    return _invalid(_MISMATCH)


def _expected(call: Call, signature: Signature, root: Root) -> str:
    """Compute the signature that the request must have."""
    signer = SigV4Auth(Credentials(root.access_key_id, root.secret), SERVICE, signature.region)
    query = urlencode(parse_qsl(call.query_string, keep_blank_values=True), quote_via=quote)
    request = AWSRequest(
        method=call.method,
        url=f"http://{call.headers.get('host', '')}{call.raw_path}?{query}",
        headers={name: call.headers.get(name, "") for name in signature.headers},
        data=call.body,
    )
    request.context["timestamp"] = call.headers.get("x-amz-date", "")
    text = signer.string_to_sign(request, signer.canonical_request(request))
    return str(signer.signature(text, request))


_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS "
    "Secret Access Key and signing method. Consult the service documentation for details."
)


def _invalid(why: str) -> Answer:
    return _answer("InvalidSignatureException", {"message": why})


def _denied(account: str, method: Method) -> Answer:
    # API Gateway shows strangers the last four digits of the API's account only.
    shown = method.arn.replace(f":{method.account}:", f":********{method.account[-4:]}:", 1)
    text = (
        f"User from account {account} is not authorized to perform: execute-api:Invoke "
        f"on resource: {shown}"
    )
    return _answer("AccessDeniedException", {"Message": text})


def _answer(kind: str, content: dict[str, str]) -> Answer:
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": kind}
    return 403, headers, json.dumps(content).encode()
