"""Calling the user's compute function for one item: tries, backoff, and what became of it.

Whatever the function raises or returns ends as an Outcome; only Stopped passes through.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import random
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from batchctl.contract.limits import MAX_RESULT_DEPTH
from batchctl.runner.job_table import Outcome
from batchctl.runner.signals import Stopped, StopSignal
from batchctl.runner.user_code import ComputeFunction, explanation

# DynamoDB developer guide, Quotas: a record has at most 400 KB, with its key and attribute names
LARGEST_RESULT_BYTES = 350 * 1024
LONGEST_ERROR = 4_000
LONGEST_PAUSE_S = 30.0


@dataclasses.dataclass(frozen=True)
class Tries:
    """How an item is tried: at most `most` calls, with growing pauses (seconds) between them.

    `hidden` are the modules that the user can't import, each with the reason.
    """

    most: int
    stop: StopSignal
    hidden: Mapping[str, str] = dataclasses.field(default_factory=dict)
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def run(self, function: ComputeFunction, item: str, parameters: dict[str, Any]) -> Outcome:
        """Return the outcome of the first call that succeeds, or of the last one.

        Raises Stopped when a signal has come, even if the function caught it.
        """
        for number in range(1, self.most + 1):
            outcome = self._call(function, item, parameters, number)
            if outcome.result is not None or number == self.most:
                break
            # a random share of the time, so that tasks that failed together don't return together
            self.sleep(random.uniform(0, min(LONGEST_PAUSE_S, 2**number)))  # noqa: S311  # no secret
        return outcome

    def _call(
        self, function: ComputeFunction, item: str, parameters: dict[str, Any], number: int
    ) -> Outcome:
        """Return the outcome of one call, which gets its own copy of the parameters."""
        began = self.clock()
        result = error = None
        try:
            result = encode(function(item, copy.deepcopy(parameters)))
        except Stopped:
            raise
        except BaseException as raised:  # noqa: BLE001  # SystemExit and MemoryError fail the item, too
            self.stop.check()
            traceback.print_exception(raised, file=sys.stderr)
            error = describe(raised, self.hidden)
        self.stop.check()
        return Outcome(result, error, number, self.clock() - began)


def encode(result: Any) -> str:
    """Return what compute returned as JSON text; TypeError or ValueError where it can't be kept."""
    if not isinstance(result, dict):
        raise TypeError(f"compute must return a dict, not {type(result).__name__}")
    try:
        text = json.dumps(result, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"compute must return what JSON can hold: {error}") from error
    if not is_within(result, MAX_RESULT_DEPTH):
        raise ValueError(f"the result is nested more than {MAX_RESULT_DEPTH} levels deep")
    if size > LARGEST_RESULT_BYTES:
        raise ValueError(f"the result has {size} bytes as JSON: at most {LARGEST_RESULT_BYTES} fit")
    return text


def is_within(value: Any, depth: int) -> bool:
    """Return whether containers are nested `depth` deep at most; level by level, no recursion."""
    containers = [value]
    for _ in range(depth):
        inner = [
            each
            for container in containers
            for each in (container.values() if isinstance(container, dict) else container)
        ]
        containers = [each for each in inner if isinstance(each, (dict, list, tuple))]
        if not containers:
            return True
    return False


def describe(error: BaseException, hidden: Mapping[str, str]) -> str:
    """Return `TypeError: why (file.py, line 3, in function)`; the place is the innermost.

    `hidden` are the modules that the user can't import: what came of one says so.
    """
    # the standard formatter survives a __str__ that raises; lone surrogates can't be stored
    text = "".join(traceback.format_exception_only(error)).strip()
    short = text if len(text) <= LONGEST_ERROR else f"{text[:LONGEST_ERROR]}…"
    return (
        (short + place(error) + explanation(error, hidden))
        .encode(errors="backslashreplace")
        .decode()
    )


def place(error: BaseException) -> str:
    """Return ` (file.py, line 3, in function)`, or nothing where the error is our own finding."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames or frames[-1].filename == __file__:
        return ""
    innermost = frames[-1]
    return f" ({Path(innermost.filename).name}, line {innermost.lineno}, in {innermost.name})"
