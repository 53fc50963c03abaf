"""`batchctl curl`: one request to the deployed API by hand, signed where the API wants it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from urllib3.exceptions import HTTPError

from batchctl.cli.opening import open_recorded
from batchctl.cli.options import api_options, assumes_api_role, current_options, shared_options
from batchctl.cli.output import say, write_answer
from batchctl.errors import BatchctlError, UsageError
from batchctl.jobs.api.connection import Connection, cause_of

if TYPE_CHECKING:
    import urllib3

FAILED = 1


@click.command()
@click.argument("path")
@click.option("-X", "--request", "method", metavar="METHOD", help="GET, or PUT with a body.")
@click.option("-d", "--data", metavar="BODY|@FILE", help="The body; `@-` reads stdin.")
@click.option("-H", "--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="A header.")
@click.option("-i", "--include", is_flag=True, help="Show status and headers, on stderr.")
@click.option("-f", "--fail", is_flag=True, help="Exit with 1 when the status is 400 or more.")
@api_options
@shared_options
def curl(  # noqa: PLR0913 - curl's own options
    *,
    path: str,
    method: str | None,
    data: str | None,
    headers: tuple[str, ...],
    include: bool,
    fail: bool,
) -> None:
    """Send a request to the API, signed if required, and print the response.

    The response goes to stdout unchanged; on a terminal, control characters are escaped.

    \b
    Examples:
      batchctl curl /v1/tasks
      batchctl curl /v1/new-task -d '{"job_id": "demo-1", "universe": ["AAPL"]}'
      batchctl curl /v1/tasks/demo-1 -i --assume-api-role
    """
    if not path.startswith("/"):
        raise UsageError(
            f"could not use path `{path}`: it must begin with `/`, the endpoint is added",
            hint="for example `batchctl curl /v1/tasks`",
        )
    body = _body(data)
    method = (method or ("GET" if data is None else "PUT")).upper()
    answer = _sent(_connection(), (method, path), body, _parsed(headers))
    if include or current_options().verbose:
        _print_head(answer)
    write_answer(answer.data)
    if fail and answer.status >= 400:
        say(f"error: {method} {path}: status {answer.status}")
        sys.exit(FAILED)


def _connection() -> Connection:
    return open_recorded().connection(assume_api_role=assumes_api_role())


def _sent(
    connection: Connection, request: tuple[str, str], body: bytes, headers: dict[str, str]
) -> urllib3.BaseHTTPResponse:
    try:
        return connection.exchange(*request, body, headers)
    except HTTPError as error:
        raise BatchctlError(
            f"could not reach `{connection.endpoint}`: {cause_of(error)}",
            hint="`batchctl status` shows whether the application is up",
        ) from error


def _body(data: str | None) -> bytes:
    if data is None or not data.startswith("@"):
        return (data or "").encode()
    if data == "@-":
        return sys.stdin.buffer.read()
    try:
        return Path(data[1:]).read_bytes()
    except OSError as error:
        raise UsageError(f"could not read `{data[1:]}`: {error.strerror}") from error


def _parsed(headers: tuple[str, ...]) -> dict[str, str]:
    parsed = {}
    for header in headers:
        name, colon, value = header.partition(":")
        if not colon or not name.strip():
            raise UsageError(f"could not use header `{header}`: it must be `NAME: VALUE`")
        parsed[name.strip().lower()] = value.strip()
    return parsed


def _print_head(answer: urllib3.BaseHTTPResponse) -> None:
    say(f"{answer.status} {answer.reason or ''}".rstrip())
    for name, value in answer.headers.items():
        say(f"{name.lower()}: {value}")
    say("")
