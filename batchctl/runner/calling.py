"""Calling the user's code: `setup(parameters)` once, then `compute(item, parameters[, context])`.

Nothing here knows of a table, of tasks or of processes.
"""

from __future__ import annotations

import copy
import inspect
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType, ModuleType
from typing import Any, cast

from batchctl.runner.results import encode
from batchctl.runner.user_code import MODULE, BrokenComputeError, load_compute

SETUP = "setup"


@dataclass(frozen=True)
class UserCode:
    """The functions of a compute.py; `takes_context` is whether compute has setup's value, too."""

    compute: Callable[..., Any]
    setup: Callable[..., Any] | None
    takes_context: bool
    setup_takes_parameters: bool = True

    def prepare(self, parameters: dict[str, Any]) -> Prepared:
        """Run `setup` if there is one; raises whatever that raises."""
        context = None
        if self.setup is not None:
            given = (copy.deepcopy(parameters),) if self.setup_takes_parameters else ()
            context = self.setup(*given)
        return Prepared(self, parameters, context)


@dataclass(frozen=True)
class Prepared:
    """User code that is ready for items: `context` is what `setup` returned."""

    code: UserCode
    parameters: dict[str, Any]
    context: Any = None

    def call(
        self,
        item: str,
        own: Mapping[str, Any] = MappingProxyType({}),
        clock: Callable[[], float] = time.monotonic,
    ) -> tuple[str, float]:
        """Return the result of one item as JSON text, and the seconds that it took.

        It gets the job's parameters, and where it has `own` ones by the same name, those. Raises
        whatever compute raises, and NoJsonError for a result that can't be kept. The parameters are
        handed over as they are: each item has a process, and so its own copy.
        """
        began = clock()
        more = (self.context,) if self.code.takes_context else ()
        parameters = {**self.parameters, **own} if own else self.parameters
        return encode(self.code.compute(item, parameters, *more)), clock() - began


def load(folder: str) -> UserCode:
    """Return what the compute.py in `folder` has.

    Raises BrokenComputeError where its functions aren't there or can't be called as we call them,
    and whatever compute.py raises.
    """
    return user_code(load_compute(folder))


def user_code(module: ModuleType) -> UserCode:
    """Return the functions of a module, checked by their signatures before any is called."""
    compute, setup = getattr(module, MODULE, None), getattr(module, SETUP, None)
    if not callable(compute):
        raise BrokenComputeError("compute.py has no function `compute(item, parameters)`")
    if not callable(setup):
        setup = None  # another thing of that name is none of ours
    takes_context = setup is not None and accepts(compute, 3)
    if not takes_context and not accepts(compute, 2):
        raise BrokenComputeError(
            f"compute.py: compute is called as `compute(item, parameters)`"
            f"{unless_setup(setup)}, but it is `compute{signature_of(compute)}`"
        )
    if setup is not None and not accepts(setup, 1) and not accepts(setup, 0):
        raise BrokenComputeError(
            f"compute.py: setup is called as `setup(parameters)`, but it is"
            f" `setup{signature_of(setup)}`"
        )
    return UserCode(
        cast("Callable[..., Any]", compute),
        setup,
        takes_context,
        setup_takes_parameters=setup is None or accepts(setup, 1),
    )


def unless_setup(setup: object) -> str:
    """Return what is to be known of the third argument."""
    if setup is None:
        return " (a third argument needs a function `setup(parameters)`)"
    return " or `compute(item, parameters, context)`"


def accepts(function: Callable[..., Any], count: int) -> bool:
    """Return whether a function can be called with so many positional arguments."""
    try:
        inspect.signature(function).bind(*[None] * count)
    except TypeError:
        return False
    except ValueError:  # written in C, without a signature: the call itself says what it takes
        return count < 3
    return True


def signature_of(function: Callable[..., Any]) -> str:
    """Return the signature as text, for people."""
    try:
        return str(inspect.signature(function))
    except (TypeError, ValueError):
        return "(…)"
