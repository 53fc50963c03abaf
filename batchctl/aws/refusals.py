"""Who refuses a call, and what to do: what AWS's message says of a permission that is missing.

Sources: IAM user guide, "Access denied error messages" (the forms of the message); AWS
Organizations user guide, "Tag policies" (the code and text of a violation).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

ACCESS_DENIED: Final = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "UnauthorizedOperation",
        "AuthorizationError",
        "AuthorizationErrorException",
        "UnauthorizedException",
    }
)
_ACTION = re.compile(r"not authorized to perform:? ([A-Za-z0-9-]+:[A-Za-z0-9*]+)")
_RESOURCE = re.compile(r"on resource:? (\S+)")
_DENIED_BY = re.compile(
    r"with an explicit deny in an? (?P<deny>[a-z -]+?)(?= policy\b| boundary\b|:|\s*$|\.|,)"
    r"|because no (?P<missing>[a-z -]+?) (?:policy|policies|boundary) allows?",
    re.IGNORECASE,
)
_TAG_KEY = re.compile(r"tag keys?:? ?'?([^'\s,]+?)'?(?:[\s.,]|$)", re.IGNORECASE)

_ASK_ADMINISTRATORS = "ask those who administer the organisation"
_WHAT_TO_DO: Final[Mapping[str, str]] = {
    "service control": "a service control policy of the organisation refuses {call}: no policy of "
    f"the account can allow it; {_ASK_ADMINISTRATORS} for an exception, or use an account or "
    "region where it is allowed",
    "resource control": "a resource control policy of the organisation refuses {call}; "
    f"{_ASK_ADMINISTRATORS} for an exception",
    "permissions": "the permissions boundary of the caller doesn't allow {call}; ask those who set "
    "it to add the action",
    "session": "the policy of the session doesn't allow {call}; log in with a session that does",
    "vpc endpoint": "the policy of the VPC endpoint that the call goes through refuses {call}; ask "
    "those who own the network to allow it there",
    "resource-based": "a policy of the resource itself refuses {call}; ask its owner to allow it",
    "identity-based": "a policy of the caller refuses {call} by an explicit deny: ask those who "
    "wrote it to take the call out",
}
_EC2 = "UnauthorizedOperation"
"""Said by EC2 alone, with or without the action (EC2 API reference, "Error codes")."""


def refusal_hint(code: str, message: str, operation: str = "") -> str | None:
    """Return who refused a call and what to do about it; None for an error of another kind.

    Where a policy of the caller's is what is missing, the statement that would allow the call
    stands at the end. `operation` is the API's, for messages that don't name the action.
    """
    if "tagpolic" in code.lower() or "tag policy" in message.lower():
        return _tag_policy_hint(message)
    if code not in ACCESS_DENIED:
        return None
    call = _call(message)
    denied = _DENIED_BY.search(message)
    by = (denied["deny"] or denied["missing"]).strip().lower() if denied else ""
    if by in _WHAT_TO_DO and not (denied and denied["missing"] and by == "identity-based"):
        return _WHAT_TO_DO[by].format(call=call)
    action = _ACTION.search(message)
    named = action[1] if action else f"ec2:{operation}" if code == _EC2 and operation else ""
    if not named:
        return (
            "the credentials lack this permission: ask for it, then run the command again; "
            f"{_WHOLE_POLICY}"
        )
    what = call if action else f"`{named}`"
    return (
        f"the credentials don't allow {what}: ask for {_statement(named, message)}, then run the "
        f"command again; {_WHOLE_POLICY}"
    )


_WHOLE_POLICY = "`batchctl policy` prints all that is needed"


def _statement(action: str, message: str) -> str:
    """Return the statement that would allow the call, on the resource that the message names."""
    resource = _RESOURCE.search(message)
    on = resource[1].rstrip(".,") if resource else "*"
    return f"`{json.dumps({'Effect': 'Allow', 'Action': action, 'Resource': on})}`"


def _call(message: str) -> str:
    """Return what was refused: "`sqs:CreateQueue` on `arn:…`"."""
    action, resource = _ACTION.search(message), _RESOURCE.search(message)
    said = f"`{action[1]}`" if action else "the call"
    return f"{said} on `{resource[1]}`" if action and resource else said


def _tag_policy_hint(message: str) -> str:
    key = _TAG_KEY.search(message)
    of_key = f" of `{key[1]}`" if key else ""
    return (
        f"a tag policy of the organisation allows other values{of_key}: set `tags` in config.yaml "
        "to what it allows (`aws organizations describe-effective-policy --policy-type TAG_POLICY` "
        "shows it)"
    )
