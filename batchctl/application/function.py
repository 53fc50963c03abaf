"""A function of a script or a notebook, as the code of a job."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Function:
    """What a job computes: `function(item[, parameters[, context]])`.

    `setup(parameters)` runs once for a task; what it returns is the context. `requirements` are
    the packages that they import, as pip names them: the image must have them.
    """

    function: Callable[..., Any]
    setup: Callable[[dict[str, Any]], Any] | None = None
    requirements: Sequence[str] = ()
