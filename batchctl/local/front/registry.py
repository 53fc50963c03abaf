"""The passwords of the local cloud's image registry, which AWS calls authorization tokens.

Amazon ECR User Guide, "Private registry authentication": GetAuthorizationToken gives a password of
the user `AWS` for twelve hours; the registry's own protocol knows nothing else.
"""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Callable

from batchctl.local.batch.api.endpoint import Answer

VALID_S = 12 * 3600
_USER = "AWS"


class Passwords:
    """The passwords that were given out, and until when each is good."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """Know none yet."""
        self._clock = clock
        self._good_until: dict[str, float] = {}

    def issue(self) -> tuple[str, float]:
        """Return a new authorization token (user and password, encoded) and when it ends."""
        now = self._clock()
        self._good_until = {each: end for each, end in self._good_until.items() if end > now}
        password = secrets.token_urlsafe(32)
        self._good_until[password] = now + VALID_S
        token = base64.b64encode(f"{_USER}:{password}".encode()).decode()
        return token, now + VALID_S

    def admit(self, authorization: str) -> bool:
        """Return whether an Authorization header names the user with a password that is good."""
        scheme, _, token = authorization.partition(" ")
        try:
            user, _, password = base64.b64decode(token, validate=True).decode().partition(":")
        except ValueError:
            return False
        is_known = scheme.lower() == "basic" and user == _USER
        # Looked up whole: the passwords are random, so there is no order to be timed.
        return is_known and self._good_until.get(password, 0.0) > self._clock()


def challenge() -> Answer:
    """Return the 401 after which docker and podman send the password they have."""
    headers = {
        "Content-Type": "application/json",
        "Docker-Distribution-Api-Version": "registry/2.0",
        "WWW-Authenticate": 'Basic realm="local ECR",service="ecr.amazonaws.com"',
    }
    text = b'{"errors": [{"code": "UNAUTHORIZED", "message": "log in with an ECR password"}]}'
    return 401, headers, text
