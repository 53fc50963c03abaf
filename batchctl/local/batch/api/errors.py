"""The one error that Batch's API knows for what a caller did wrong."""

from __future__ import annotations


class RefusedError(Exception):
    """A request that Batch refuses: ClientException (AWS Batch API Reference, "Common errors")."""

    code = "ClientException"
    status = 400

    def __init__(self, message: str) -> None:
        """Keep `message` as the caller will read it."""
        super().__init__(message)
        self.message = message
