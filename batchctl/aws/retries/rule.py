"""One row of the retry table: an error that passes by itself."""

from __future__ import annotations

from dataclasses import dataclass

from botocore.exceptions import ClientError

from batchctl.aws.errors import code_of, message_of


@dataclass(frozen=True)
class Rule:
    """An error that passes by itself: where it comes from, how long, and what is waited for.

    `operations` are `service.Operation`; `text` is a part of AWS's message in lower case, empty
    for any.
    """

    operations: tuple[str, ...]
    code: str
    text: str
    for_s: float
    waits_for: str

    def matches(self, operation: str, error: ClientError) -> bool:
        """Whether this rule is about that error of that operation."""
        return (
            operation in self.operations
            and code_of(error) == self.code
            and self.text in message_of(error).lower()
        )
