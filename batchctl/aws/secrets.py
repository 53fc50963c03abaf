r"""What must never be shown: credentials, tokens, signatures, passwords of registries.

There are two filters. A known secret (the credentials that signed a call, what AWS answered) is
masked everywhere: plain, percent-encoded or in base64. A value after a name that only secrets have
(`SecretAccessKey`, `X-Amz-Security-Token`, `Signature`) is masked whether it is known or not, in
JSON, XML, headers, queries and Python's own spelling; from then on it is a known secret.

Access key ids stay: AWS treats them as names ("Manage access keys for IAM users", IAM user guide),
and they say whose call it was.
"""

from __future__ import annotations

import base64
import binascii
import re
import threading
from collections.abc import Mapping
from urllib.parse import quote, quote_plus

MASK = "***"
SHORTEST = 8
"""Shorter texts would be masked inside unrelated words."""
SHORTEST_FOUND = 16
"""As SHORTEST, for what was found by its name alone, in a text that anyone can have written."""

_NAMES = (
    r"(?:aws[_-]?)?secret[_-]?(?:access[_-]?)?key",
    r"(?:x-amz-|aws[_-]?)?(?:security|session)[_-]?token",
    r"x-aws-ec2-metadata-token|x-amz-sso_bearer_token",
    r"(?:access|refresh|id|auth|authorization|web[_-]?identity|bearer)[_-]?token",
    r"client[_-]?secret|saml[_-]?assertion|(?:private|signing)[_-]?key",
    r"pass(?:word|wd|phrase)|identity[_-]?token",
    r"(?:x-amz-)?signature(?!_?version)",
)
_NAME = "|".join(_NAMES)
_ASSIGNED = r"(?:\\?[\"'])?\s*(?:=>?|:|%3d)\s*(?:b(?=[\"']))?"
# After an assignment: a text in quotes (escaped ones where JSON stands in a text), or what reaches
# to the next blank or separator.
_VALUE = (
    r"(?:\\\"(?P<within>(?:[^\"\\]|\\(?!\"))*)"
    r"|\"(?P<double>(?:[^\"\\]|\\.)*)|'(?P<single>(?:[^'\\]|\\.)*)"
    r"|(?P<plain>(?:(?!%26)[^\s\"'<>&,;{}()\[\]\\])+))"
)
_NAMED = re.compile(rf"(?<![a-z])(?:{_NAME}){_ASSIGNED}{_VALUE}", re.IGNORECASE)
_ELEMENT = re.compile(rf"<(?:{_NAME})>(?P<plain>[^<]+)", re.IGNORECASE)
# HTTP (RFC 9110, section 11.6.2): any scheme but AWS's own, whose signature has a name.
_AUTHORIZATION = re.compile(
    r"authorization(?:\\?[\"'])?\s*[:=]\s*b?(?:\\?[\"'])?(?:basic|bearer|digest)\s+"
    r"(?P<plain>[^\s\"'\\]+)",
    re.IGNORECASE,
)
# Instance metadata and container credentials call the session's token by this alone.
_TOKEN = re.compile(r"[\"']Token[\"']\s*:\s*b?[\"'](?P<plain>[^\"']+)")
_ARGUMENT = re.compile(r"--password[ =](?P<plain>\S+)")
_PATTERNS = (_NAMED, _ELEMENT, _AUTHORIZATION, _TOKEN, _ARGUMENT)
# What AWS's answers call secrets, whatever the service; compared in lower case.
_SECRET_MEMBERS = frozenset(
    {"secretaccesskey", "sessiontoken", "authorizationtoken", "accesstoken", "refreshtoken"}
    | {"idtoken", "clientsecret", "privatekey", "password", "secretstring"}
)


class Secrets:
    """The known secrets, of all threads."""

    def __init__(self) -> None:
        """Know none yet."""
        self._known: frozenset[str] = frozenset()
        self._pattern: re.Pattern[str] | None = None
        self._lock = threading.Lock()

    def learn(self, *secrets: str | None, at_least: int = SHORTEST) -> None:
        """Mask these from now on, if they have `at_least` that many characters."""
        found = {each for each in secrets if each and len(each) >= at_least}
        if found <= self._known:
            return
        with self._lock:
            self._known |= {form for each in found for form in _forms(each)}
            longest_first = sorted(self._known, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def learn_from(self, answer: object) -> None:
        """Learn the credentials, tokens and passwords in an answer of AWS."""
        if isinstance(answer, Mapping):
            for name, value in answer.items():
                if isinstance(value, str) and str(name).lower() in _SECRET_MEMBERS:
                    self.learn(value)
                else:
                    self.learn_from(value)
        elif isinstance(answer, list):
            for each in answer:
                self.learn_from(each)

    def masked(self, text: str) -> str:
        """Return the text with known secrets, and values named as secrets, masked."""
        for pattern in _PATTERNS:
            text = pattern.sub(self._hide, text)
        return self.without_known(text)

    def without_known(self, text: str) -> str:
        """Return the text with the known secrets masked."""
        return text if self._pattern is None else self._pattern.sub(MASK, text)

    def _hide(self, found: re.Match[str]) -> str:
        kind = found.lastgroup or "plain"
        if found[kind] in {"", MASK}:
            return found[0]
        self.learn(found[kind], at_least=SHORTEST_FOUND)
        start, end = (at - found.start() for at in found.span(kind))
        return f"{found[0][:start]}{MASK}{found[0][end:]}"


SECRETS = Secrets()
"""The secrets of this process."""


def _forms(secret: str) -> set[str]:
    """Return the spellings of a secret; of a registry's login also those of its password."""
    spelled = {secret, quote(secret, safe=""), quote(secret), quote_plus(secret)}
    spelled.add(base64.b64encode(secret.encode()).decode())
    password = _password_within(secret)
    return spelled | (_forms(password) if password else set())


def _password_within(token: str) -> str | None:
    """Return the password of ECR's token, base64 of `AWS:password` (ECR, GetAuthorizationToken)."""
    try:
        user, colon, password = base64.b64decode(token, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return password if colon and user.isalnum() and len(password) >= SHORTEST else None
