"""Retries of all AWS calls: one entry point, one table (`rules.RULES`).

botocore's own retries are off: they repeat calls that must not be repeated (a
RegisterJobDefinition whose answer was lost makes a second revision) and give up long before IAM
or API Gateway is ready. Instead each call goes through `Retrier.call`, which has four cases:
throttling (always retried, for minutes), no answer (retried where the operation is safe to repeat,
else AmbiguousOutcome, and the engine reads before it creates again), RULES: errors that AWS
returns until something else is consistent, and `creations`: what this run has made is not missing.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ProxyConnectionError,
    SSLError,
)

from batchctl.aws.answers import NotAnAnswer
from batchctl.aws.clock import Clock
from batchctl.aws.creations import Creations
from batchctl.aws.errors import (
    THROTTLE_CODES,
    AmbiguousOutcome,
    NoAnswerToLogin,
    code_of,
    explain,
    login_error,
)
from batchctl.aws.retries.rules import RULES

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 20.0
THROTTLED_FOR_S = 600.0
UNANSWERED_FOR_S = 30.0
# No connection was made, or none that the call could be sent on.
NEVER_SENT = (
    EndpointConnectionError,
    ConnectTimeoutError,
    ProxyConnectionError,
    NoAnswerToLogin,
)
# A connection that ended before the answer arrived, and answers that are no answer of AWS's.
NO_ANSWER = (*NEVER_SENT, SSLError, HTTPClientError, NotAnAnswer)
# A certificate that isn't trusted, and a bundle that can't be read, stay so.
_NOT_TRUSTED = ("CERTIFICATE_VERIFY_FAILED", "No such file or directory")

# Operations whose names begin so create something new each time they take effect.
NOT_REPEATABLE = ("Create", "Register", "Submit", "Run", "Add")


@dataclass(frozen=True)
class Retrier:
    """Retries calls as the table says; `on_wait` is called with what is waited for.

    `creations` is what the run has made, which all its retriers share.
    """

    clock: Clock = field(default_factory=Clock)
    on_wait: Callable[[str], None] = lambda _: None
    jitter: Callable[[], float] = random.random
    creations: Creations = field(default_factory=Creations)

    def call(
        self,
        operation: str,
        once: Callable[[], dict[str, Any]],
        parameters: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the answer of `once`, retried as `operation` (`service.Operation`) allows.

        `parameters` are those that `once` calls it with.

        Raises the last ClientError or connection error when the time of its rule is over,
        AmbiguousOutcome when an operation that must not run twice got no answer, and LoggedOut
        when the credentials are rejected: no later call can succeed.
        """
        started = self.clock.now()
        parameters = parameters or {}
        tries = 0
        while True:
            try:
                answer = once()
            except (ClientError, BotoCoreError) as error:
                logged_out = login_error(error)
                if logged_out:
                    raise logged_out from error
                patience_s, waits_for = self._verdict(operation, error, parameters, started)
                if self.clock.now() - started >= patience_s:
                    if _ambiguous(operation, error):
                        raise _lost(operation, error) from error
                    if patience_s:
                        error.add_note(f"waited {patience_s:.0f} s for {waits_for}")
                    raise
                self.on_wait(waits_for)
                self.clock.pause(self._delay_s(tries))
                tries += 1
            else:
                self.creations.note(operation, parameters, answer, self.clock.now())
                return answer

    def _verdict(
        self, operation: str, error: Exception, parameters: Mapping[str, Any], started: float
    ) -> tuple[float, str]:
        """Return for how many seconds the error is retried (0: never), and what is waited for."""
        patience_s, waits_for = _verdict(operation, error)
        if patience_s or not isinstance(error, ClientError):
            return patience_s, waits_for
        shown = self.creations.shown_by(operation, parameters, error)
        return (max(0.0, shown[0] - started), shown[1]) if shown else (0.0, "")

    def _delay_s(self, tries: int) -> float:
        ceiling: float = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0**tries)
        return ceiling * (0.5 + self.jitter() / 2)


def _verdict(operation: str, error: Exception) -> tuple[float, str]:
    """Return for how many seconds the error is retried (0: not at all), and what is waited for."""
    if isinstance(error, ClientError):
        if code_of(error) in THROTTLE_CODES:
            return THROTTLED_FOR_S, "AWS to accept more requests (throttled)"
        for rule in RULES:
            if rule.matches(operation, error):
                return rule.for_s, rule.waits_for
    if _unanswered(error) and not _ambiguous(operation, error):
        return UNANSWERED_FOR_S, "AWS to answer"
    return 0.0, ""


def _unanswered(error: Exception) -> bool:
    """Whether the call may have taken effect without our knowing: 5xx, or no answer at all."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return bool(status >= 500)
    return isinstance(error, NO_ANSWER) and not _is_for_good(error)


def _is_for_good(error: Exception) -> bool:
    """Whether a setting of this machine keeps the call from being sent, today and tomorrow.

    That is a certificate that isn't trusted, or a proxy's address that is none.
    """
    if isinstance(error, SSLError):
        return any(each in str(error) for each in _NOT_TRUSTED)
    return isinstance(error, HTTPClientError) and isinstance(error.kwargs.get("error"), ValueError)


def _ambiguous(operation: str, error: Exception) -> bool:
    """Whether an operation that must not run twice may have taken effect."""
    repeatable = not operation.partition(".")[2].startswith(NOT_REPEATABLE)
    return _unanswered(error) and not repeatable and not isinstance(error, NEVER_SENT)


def _lost(operation: str, error: Exception) -> AmbiguousOutcome:
    _, cause = explain(error)
    again = "run the command again: it checks first what already exists"
    return AmbiguousOutcome(
        f"no answer to {operation}, which may have taken effect: {error}",
        hint=f"{again}; {cause}" if cause and isinstance(error, BotoCoreError) else again,
    )
