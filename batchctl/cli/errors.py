"""Errors as data: one document with a code that scripts may rely on (docs/json.md lists them)."""

from __future__ import annotations

import errno
import sys
from collections.abc import Mapping
from typing import Any

import click

from batchctl.aws.secrets import SECRETS
from batchctl.cli.spelling import spelled
from batchctl.errors import BatchctlError, UsageError

AWS, FILE, INTERNAL = "aws", "file", "internal"
"""The codes of what is no error of ours: AWS's, a file's, and what nobody expected."""
INTERRUPTED = "interrupted"

_FILE_HINTS = {
    errno.ENOSPC: "free some disk space, then run the command again",
    errno.EDQUOT: "free some of your disk quota, then run the command again",
    errno.EROFS: "the file system is read-only: work in a folder that can be written to",
    errno.EACCES: "check the owner and the permissions of the file and of its folder",
    errno.EPERM: "check the owner and the permissions of the file and of its folder",
    errno.ENOENT: "it was removed or moved: restore it, or go to a folder that exists",
    errno.EMFILE: "raise the limit of open files (`ulimit -n 4096`)",
}


def as_json(error: BaseException) -> dict[str, Any]:
    """Return an error as data: its code, its message and the next step, None where there is none.

    Secrets are masked; commands in the hint are spelled as the user called us.
    """
    message, hint = explained(error)
    return {
        "code": code_of(error),
        "message": spelled(message),
        "hint": spelled(hint) if hint else None,
    }


def code_of(error: BaseException) -> str:
    """Return the code of any error."""
    if isinstance(error, BatchctlError):
        return error.code
    if isinstance(error, click.UsageError):
        return UsageError.code
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return INTERRUPTED
    if isinstance(error, OSError):
        return FILE
    return AWS if _is_of_aws(error) else INTERNAL


def _is_of_aws(error: BaseException) -> bool:
    """Whether botocore raised it, which need not be loaded for any other error."""
    botocore = sys.modules.get("botocore.exceptions")
    kinds = (botocore.ClientError, botocore.BotoCoreError) if botocore else ()
    return isinstance(error, kinds)


def explained(error: BaseException) -> tuple[str, str | None]:
    """Return what an error says, without the secrets in it, and its hint."""
    if isinstance(error, BatchctlError):
        return SECRETS.masked(error.message), error.hint
    if isinstance(error, click.ClickException):
        return error.format_message(), None
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return "interrupted", None
    if isinstance(error, OSError) and error.strerror and not _is_of_aws(error):
        path = error.filename2 or error.filename  # of a copy, where it goes
        where = f"`{path}`" if path else "a file"
        otherwise = "run again with `--debug` for the traceback"
        said = SECRETS.masked(f"could not use {where}: {error.strerror}")
        return said, _FILE_HINTS.get(error.errno or 0, otherwise)
    # Loads botocore, which no help needs; where AWS's errors come from, it is loaded already.
    from batchctl.aws.errors import explain  # noqa: PLC0415

    message, hint = explain(error)
    return SECRETS.masked(message), hint


def failures_as_json(failed: Mapping[str, BaseException]) -> list[dict[str, Any]]:
    """Return the errors of a run, each with the resource that it is about."""
    return [{"address": address, **as_json(error)} for address, error in failed.items()]
