"""Answers that aren't AWS's: a page of a proxy or of the network's login, or one that was cut off.

botocore takes a page for an empty answer where a service speaks JSON, and raises an error of its
parser where it speaks XML. What a call's answer is gets decided here, before that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError
from botocore.parsers import ResponseParserError

if TYPE_CHECKING:
    import boto3

_PAGE = re.compile(rb"\s*(?:<!doctype\s+html|<html|<head|<body)\b", re.IGNORECASE)
_TITLE = re.compile(rb"<title[^>]*>\s*(.{1,80}?)\s*</title>", re.IGNORECASE | re.DOTALL)
_JSON = ("json", "rest-json")


class NotAnAnswer(BotoCoreError):
    """What came isn't from AWS, or isn't whole: whether the call took effect is unknown."""

    fmt = "{what} came instead of AWS's answer"


def check_answers(session: boto3.Session) -> None:
    """Check the answers of all clients that the session makes from now on; twice is safe."""
    session.events.register("before-parse", _check, unique_id="batchctl-answers")


@contextmanager
def whole_answers() -> Iterator[None]:
    """Turn what botocore's parser raises in the block into a NotAnAnswer."""
    try:
        yield
    except ResponseParserError as error:
        raise NotAnAnswer(what="something that was cut off, or that nobody can read,") from error


def _check(operation_model: Any, response_dict: Mapping[str, Any], **_: Any) -> None:
    body, status = response_dict["body"], response_dict["status_code"]
    if not isinstance(body, bytes):  # a stream, which its reader checks
        return
    if _PAGE.match(body):
        raise NotAnAnswer(what=_page(body, status))
    protocol = operation_model.service_model.resolved_protocol
    if protocol in _JSON and status < 300 and _is_cut(body):
        raise NotAnAnswer(what="something that was cut off, or that nobody can read,")


def _page(body: bytes, status: int) -> str:
    title = _TITLE.search(body)
    named = f", `{title[1].decode('utf-8', 'replace')}`" if title else ""
    return f"an HTML page (HTTP {status}{named})"


def _is_cut(body: bytes) -> bool:
    """Whether a body isn't an object of JSON, by its ends: to parse it twice would take time."""
    text = body.strip()
    return bool(text) and not (text.startswith(b"{") and text.endswith(b"}"))
