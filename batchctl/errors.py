"""The errors that a user meets: one root, few children, each with what happened and what to do.

BatchctlError            exit code 1: something failed
├── UsageError           exit code 2: the command or config.yaml is wrong; nothing was changed
├── LoggedOut            exit code 1: the credentials are no longer good; what was done is recorded
└── Interrupted          exit code 130: the user pressed Ctrl-C; what was done is recorded
"""

from __future__ import annotations

from collections.abc import Sequence


class BatchctlError(Exception):
    """What happened (`message`) and, where there is a next step, what to do (`hint`)."""

    exit_code = 1
    code = "failed"
    """What scripts tell kinds of errors by: it stays, whatever the message becomes."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        """Keep message and hint apart: the command line prints each on lines of its own."""
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(BatchctlError):
    """The command line or config.yaml is wrong; raised before anything is changed."""

    exit_code = 2
    code = "usage"


class NeedsAgreement(UsageError):
    """What was asked for has consequences that were not agreed to, of the kind `consequence`."""

    code = "needs_agreement"

    def __init__(self, consequence: str, named: Sequence[str]) -> None:
        """Name the consequences, and how to agree to them."""
        super().__init__(
            f"could not go ahead without agreement: {'; '.join(named)}",
            hint=f'to agree pass `agree={{"{consequence}"}}`',
        )
        self.consequence, self.named = consequence, tuple(named)


class Interrupted(BatchctlError):
    """The user interrupted the run; everything that finished is recorded in the state."""

    exit_code = 130
    code = "interrupted"


class LoggedOut(BatchctlError):
    """AWS rejected the credentials, or there are none: no call of this run can succeed."""

    code = "logged_out"
