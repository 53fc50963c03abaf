"""What the functions' libraries take of `typing_extensions`, from Python itself.

That package is there as a dependency of a dependency, in a version that differs from one machine to
the next: with it in the zip, colleagues with the same batchctl would upload each other's functions
again and again. What Python 3.11 (the local cloud's may be one) doesn't have is for type checkers
alone, and does nothing here.
"""

from __future__ import annotations

import typing
import warnings
from collections.abc import Callable
from typing import Any


def _as_it_is(decorated: Any) -> Any:
    return decorated


def _no_warning(*_: Any, **__: Any) -> Callable[[Any], Any]:
    return _as_it_is


override: Callable[[Any], Any] = getattr(typing, "override", _as_it_is)
deprecated: Callable[..., Any] = getattr(warnings, "deprecated", _no_warning)


def __getattr__(name: str) -> Any:
    """Return any other name as `typing` has it."""
    return getattr(typing, name)
