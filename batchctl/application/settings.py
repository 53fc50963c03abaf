"""The settings of an application as people and editors read them: all of them, their schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchctl.application.target import Target
from batchctl.config import json_schema, load
from batchctl.config.documentation import template


def all_settings(target: Target, *, defaults: bool = False) -> str:
    """Return config.yaml with every setting as it is in force, or at its default.

    UsageError for a file that is none.
    """
    return template(None if defaults else load(target.config))


def settings_schema() -> Mapping[str, Any]:
    """Return the JSON Schema of config.yaml."""
    return json_schema()


def check_settings(target: Target) -> str:
    """Return the name of the application that config.yaml describes; UsageError with all problems.

    Whether AWS has what it names isn't asked.
    """
    return load(target.config).name
