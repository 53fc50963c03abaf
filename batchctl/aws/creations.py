"""What this run has made, for calls that AWS answers before all of it knows of the new thing.

A service that has answered a creation can call the new thing missing for a while, and so can every
other service that is given its name; what IAM allows by tags is refused as long. Terraform's
provider repeats some twenty calls for this, each by its own code. Here it is one rule: an error
that says "missing" of something that this run has made a moment ago passes. Of anything else it is
true at once.

Reads aren't repeated: they say that something is absent, and who needs it to be there polls. Nor
are deletions, which are done when the thing is missing.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from batchctl.aws.errors import code_of, is_missing, message_of

# IAM user guide, "Changes that I make are not always immediately visible", names no time; peers
# give new things two minutes.
SHOWN_WITHIN_S = 120.0
# Tags that were given in the creation. Shorter, as most refusals are for good.
ALLOWED_WITHIN_S = 30.0
REFUSED_CODES = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})

# PutRule makes a rule or overwrites it (EventBridge API Reference).
_CREATING = re.compile(r"(?:Create|Register)([A-Z]\w*)|Put(Rule)")
_READING_OR_DELETING = re.compile(
    "Get|List|Describe|Filter|Query|Head|Batch(Get|Check)|Delete|Remove|Detach|Deregister|Revoke"
)
# What the names of identifiers end with, in any case: `RoleName`, `QueueUrl`, `id`.
_IDENTIFIER = re.compile(r"(.*?)(arn|id|name|url)", re.IGNORECASE)
_ARN = re.compile(r"arn:[\w-]*:([\w-]+):[\w-]*:\d*:([\w+=,.@:/-]+)")
# Services that say a wrong parameter where others say that something is missing.
_PARAMETER_CODES = re.compile("InvalidParameter|InvalidRequest|Validation|BadRequest|ClientExc")
_MISSING_TEXTS = re.compile("do(es)? not exist|not found|cannot be found|nonexist", re.IGNORECASE)
_IDENTIFYING_NOTHING = frozenset({"responsemetadata", "tags", "tagset", "tagspecifications"})

Token = tuple[str, str]
"""A service (as ARNs call it), and a name or ARN of something in it."""


class Creations:
    """The identifiers of what one run has made, and when; thread-safe."""

    def __init__(self) -> None:
        """Start with nothing made."""
        self._made_at: dict[Token, float] = {}
        self._lock = threading.Lock()

    def note(
        self, operation: str, parameters: Mapping[str, Any], answer: Mapping[str, Any], now: float
    ) -> None:
        """Remember what a successful call of `operation` (`service.Operation`) has made, if any.

        That is what the call named after the kind of thing that it makes, and what the answer
        names so for the first time: not the load balancer to which a listener was added.
        """
        service, _, name = operation.rpartition(".")
        creating = _CREATING.fullmatch(name)
        if creating is None:
            return
        kind = str(creating[1] or creating[2]).lower()
        given = {text for _, text in _texts(parameters)}
        found = [text for key, text in _texts(parameters) if _names(key, kind)]
        found += [text for key, text in _texts(answer) if _names(key, kind) and text not in given]
        with self._lock:
            for text in found:
                for token in _tokens(service, text):
                    self._made_at[token] = now

    def last_made_at(self, operation: str, parameters: Mapping[str, Any]) -> float | None:
        """Return when the newest thing was made that a call names; None when none of it was."""
        service = operation.rpartition(".")[0]
        named = {token for _, text in _texts(parameters) for token in _tokens(service, text)}
        with self._lock:
            return max((self._made_at[each] for each in named & self._made_at.keys()), default=None)

    def shown_by(
        self, operation: str, parameters: Mapping[str, Any], error: ClientError
    ) -> tuple[float, str] | None:
        """Return until when `error` can pass by itself, and what is waited for; None for never."""
        within_s, waits_for = _patience(operation, error)
        made_at = self.last_made_at(operation, parameters) if within_s else None
        return None if made_at is None else (made_at + within_s, waits_for)


def _patience(operation: str, error: ClientError) -> tuple[float, str]:
    if code_of(error) in REFUSED_CODES:
        return ALLOWED_WITHIN_S, "IAM to see the tags of what was just made"
    if _says_missing(error) and not _READING_OR_DELETING.match(operation.rpartition(".")[2]):
        return SHOWN_WITHIN_S, "AWS to show everywhere what was just made"
    return 0.0, ""


def _says_missing(error: ClientError) -> bool:
    if is_missing(error):
        return True
    is_about_parameters = _PARAMETER_CODES.match(code_of(error))
    return bool(is_about_parameters and _MISSING_TEXTS.search(message_of(error)))


def _names(key: str, kind: str) -> bool:
    """Whether a member is an identifier of the `kind` that is made: `id`, or `GroupId` of it."""
    if key.lower() == "uuid":
        return True
    found = _IDENTIFIER.fullmatch(key)
    return found is not None and kind.endswith(found[1].lower())


def _texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text in a call's parameters, or in an answer, with the key that it stands under.

    Texts in a list stand under the list's key. Tags identify nothing.
    """
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, Mapping):
        for inner, each in value.items():
            if str(inner).lower() not in _IDENTIFYING_NOTHING:
                yield from _texts(each, str(inner))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each, key)


def _tokens(service: str, text: str) -> Iterator[Token]:
    """Yield what a text names: itself, and the name at the end of an ARN in it, or of a URL."""
    service = service.rpartition(".")[2]
    yield service, text
    for found in _ARN.finditer(text):
        yield found[1], found[0]
        yield found[1], re.split("[:/]", found[2], maxsplit=1)[-1]
    if text.startswith(("http://", "https://")):
        yield service, text.rpartition("/")[2]
