"""The errors that a user meets: one root, few children, each with what happened and what to do.

BatchctlError            exit code 1: something failed
├── UsageError           exit code 2: the command or config.yaml is wrong; nothing was changed
├── RunOver              exit code 1: nothing that this run has left to do can succeed
│   ├── LoggedOut        the credentials are no longer good; what was done is recorded
│   └── Unwritable       a file of ours can't be written: what is done can't be recorded
└── Interrupted          exit code 130: the user pressed Ctrl-C; what was done is recorded
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar


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


class RunOver(BatchctlError):
    """Nothing that the run has left to do can succeed: it ends with this one error.

    `in_short` says it in two words, as the reason why work was skipped.
    """

    in_short: ClassVar[str]


class LoggedOut(RunOver):
    """AWS rejected the credentials, or there are none: no call of this run can succeed."""

    code = "logged_out"
    in_short = "logged out"


class Unwritable(RunOver):
    """A file of ours can't be written: nothing more is done that could not be recorded."""

    code = "unwritable"
    in_short = "nothing recorded"
