"""One row of the retry table: an error that is temporary."""

from __future__ import annotations

from dataclasses import dataclass

from botocore.exceptions import ClientError

from batchctl.aws.errors import code_of, message_of


@dataclass(frozen=True)
class Rule:
    """A temporary error: of which operations, for how long at most, and what is waited for.

    `operations` are `service.Operation`; `text` is a part of AWS's message in lower case, empty
    for any message.
    """

    operations: tuple[str, ...]
    code: str
    text: str
    for_s: float
    waits_for: str

    def matches(self, operation: str, error: ClientError) -> bool:
        """Whether this rule applies to the error of the operation."""
        return (
            operation in self.operations
            and code_of(error) == self.code
            and self.text in message_of(error).lower()
        )
