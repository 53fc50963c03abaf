"""What API MiniStack checks of a call to a REST API with IAM, and MiniStack doesn't.

Who calls was verified before (`verifier`). MiniStack checks `execute-api:Invoke`; it takes
signatures for any region and service, and searches the API in the account of whoever calls.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from batchctl.local.batch.api.endpoint import Answer
from batchctl.local.front.sigv4 import Signature, SignatureError

MAX_BODY = 10 * 1024 * 1024
"""API MiniStack developer guide, "Quotas for REST APIs": payloads of at most 10 MB."""

SERVICE = "execute-api"

_ERROR_TYPES = {
    "ExpiredTokenException": "ExpiredTokenException",
    "IncompleteSignature": "IncompleteSignatureException",
    "InvalidClientTokenId": "UnrecognizedClientException",
    "UnsupportedSignature": "IncompleteSignatureException",
}


@dataclass(frozen=True)
class Method:
    """The REST API's method that a request calls: where it is, and how it authorizes.

    `authorization` is API MiniStack's (`NONE`, `AWS_IAM` …), empty when the API has no such method.
    """

    arn: str
    authorization: str

    @property
    def asks_for_iam(self) -> bool:
        """Whether API MiniStack takes signed calls only."""
        return self.authorization == "AWS_IAM"

    @property
    def region(self) -> str:
        """The region of the API."""
        return self.arn.split(":")[3]

    @property
    def account(self) -> str:
        """The account of the API."""
        return self.arn.split(":")[4]


def scope_refusal(signature: Signature, method: Method) -> Answer | None:
    """Return the 403 for a signature that is good for another region or service, else None."""
    why = _scope_fault(signature, method)
    return _answer("InvalidSignatureException", {"message": why}) if why else None


def account_refusal(account: str, method: Method) -> Answer | None:
    """Return the 403 for a caller of another account than the API's, else None."""
    return None if account == method.account else _denied(account, method)


def signature_refusal(error: SignatureError) -> Answer:
    """Return the 403 for a signature that isn't good."""
    kind = _ERROR_TYPES.get(error.code, "InvalidSignatureException")
    return _answer(kind, {"message": error.message})


def _scope_fault(signature: Signature, method: Method) -> str:
    """Say what is wrong with the scope, as API MiniStack does: nothing, or one or two sentences."""
    faults = []
    if signature.region != method.region:
        faults.append(f"Credential should be scoped to a valid region, not '{signature.region}'. ")
    if signature.service != SERVICE:
        faults.append(f"Credential should be scoped to correct service: '{SERVICE}'. ")
    return "".join(faults)


def _denied(account: str, method: Method) -> Answer:
    # API MiniStack shows strangers the last four digits of the API's account only.
    shown = method.arn.replace(f":{method.account}:", f":********{method.account[-4:]}:", 1)
    text = (
        f"User from account {account} is not authorized to perform: execute-api:Invoke "
        f"on resource: {shown}"
    )
    return _answer("AccessDeniedException", {"Message": text})


def _answer(kind: str, content: dict[str, str]) -> Answer:
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": kind}
    return 403, headers, json.dumps(content).encode()
