"""Expressions of DynamoDB parsed once: MiniStack parses a condition for every item that it reads.

So a Query of a large partition would parse the same text some ten thousand times on every page.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from typing import Any

_REMEMBERED = 1024
"""Expressions; an application has some dozens."""


def remember_parsed() -> None:
    """Let MiniStack's DynamoDB parse and check each expression once."""
    dynamodb = vars(import_module("ministack.services.dynamodb"))
    tokens = lru_cache(_REMEMBERED)(dynamodb["_tokenize"])
    dynamodb["_tokenize"] = _copies(tokens)
    checked = lru_cache(_REMEMBERED)(dynamodb["_condition_syntax_error"])
    dynamodb["_condition_syntax_error"] = checked


def _copies(tokens: Callable[[str], list[Any]]) -> Callable[[str], list[Any]]:
    """Give each caller a list of its own, which it may change."""
    return lambda expression: tokens(expression).copy()
