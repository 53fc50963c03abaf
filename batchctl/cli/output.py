"""Where output goes: data on stdout, all else on stderr; colour never carries sense."""

from __future__ import annotations

import json
import sys
from typing import Any

import click
from rich.console import Console

UNWRAPPED = 10_000
"""The width of tables that go into a file or a pipe: lines are not broken there."""


def people() -> Console:
    """Return the console for people: stderr, which honours NO_COLOR and plain terminals."""
    return Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())


def data() -> Console:
    """Return the console for tables that were asked for: stdout."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else UNWRAPPED)


def say(text: str) -> None:
    """Tell people something, on stderr, without markup."""
    click.echo(text, err=True)


def print_json(value: Any) -> None:
    """Print one JSON document on stdout."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))
