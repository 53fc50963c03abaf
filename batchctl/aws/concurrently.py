"""Calls of one resource that don't wait for each other."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar, overload

One = TypeVar("One")
Two = TypeVar("Two")
Three = TypeVar("Three")
Four = TypeVar("Four")


@overload
def concurrently(first: Callable[[], One], second: Callable[[], Two], /) -> tuple[One, Two]: ...
@overload
def concurrently(
    first: Callable[[], One], second: Callable[[], Two], third: Callable[[], Three], /
) -> tuple[One, Two, Three]: ...
@overload
def concurrently(
    first: Callable[[], One],
    second: Callable[[], Two],
    third: Callable[[], Three],
    fourth: Callable[[], Four],
    /,
) -> tuple[One, Two, Three, Four]: ...
def concurrently(*calls: Callable[[], Any]) -> tuple[Any, ...]:
    """Return what `calls` return, made at the same time; the first of their errors is raised.

    None is left running. Each has the caller's context, so that a log knows what it belongs to.
    """
    first, *others = calls
    with ThreadPoolExecutor(len(others), thread_name_prefix="batchctl-beside") as pool:
        beside = [pool.submit(copy_context().run, call) for call in others]
        return first(), *(future.result() for future in beside)
