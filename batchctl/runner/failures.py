"""What an exception of the user's code says: in one line, in full, and whether to try again."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from batchctl.contract.reasons import Reason
from batchctl.runner.results import NoJsonError
from batchctl.runner.user_code import BrokenComputeError, explanation

LONGEST_ERROR = 4_000
RUNNER = str(Path(__file__).parent)
LIBRARY = str(Path(traceback.__file__).parent)

# What is the same at the next try: the code itself.
FINAL = (NoJsonError, BrokenComputeError, ImportError, SyntaxError, NameError)


def is_final(error: BaseException) -> bool:
    """Return whether another try can't end otherwise."""
    return isinstance(error, FINAL) and not isinstance(error, UnboundLocalError)


def reason_for(error: BaseException) -> Reason:
    """Return the reason that is recorded of an exception."""
    return Reason.OUT_OF_MEMORY if isinstance(error, MemoryError) else Reason.EXCEPTION


def describe(error: BaseException, hidden: Mapping[str, str]) -> str:
    """Return `TypeError: why (file.py, line 3, in function)`, the innermost place of the user's.

    `hidden` are the modules that the user can't import: what came of one says so.
    """
    if isinstance(error, (NoJsonError, BrokenComputeError)):
        text = str(error)
    else:
        # the standard formatter survives a __str__ that raises
        text = "".join(traceback.format_exception_only(error)).strip()
    short = text if len(text) <= LONGEST_ERROR else f"{text[:LONGEST_ERROR]}…"
    return storable(short + place(error) + explanation(error, hidden))


def storable(text: str) -> str:
    """Return a text that can be stored and printed: lone surrogates become escapes."""
    return text.encode(errors="backslashreplace").decode()


def place(error: BaseException) -> str:
    """Return ` (file.py, line 3, in function)`, or nothing where the error is our own finding."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames or frames[-1].filename.startswith(RUNNER):
        return ""
    own = [each for each in frames if not is_of_a_library(each.filename)]
    innermost = (own or frames)[-1]
    return f" ({Path(innermost.filename).name}, line {innermost.lineno}, in {innermost.name})"


def is_of_a_library(filename: str) -> bool:
    """Return whether code is Python's, an installed package's or the runner's, not the user's."""
    return is_before(filename) or filename.startswith(LIBRARY) or "-packages/" in filename


def full_text(error: BaseException) -> str:
    """Return the traceback from the user's own code on; of our own finding, its text alone."""
    frames = of_the_user(error.__traceback__)
    if frames is None and isinstance(error, (NoJsonError, BrokenComputeError)):
        return f"{error}\n"
    return storable("".join(traceback.format_exception(type(error), error, frames)))


def of_the_user(frames: TracebackType | None) -> TracebackType | None:
    """Return a traceback without what comes before the user's code."""
    while frames is not None and is_before(frames.tb_frame.f_code.co_filename):
        frames = frames.tb_next
    return frames


def is_before(filename: str) -> bool:
    """Return whether code is the runner's, or the machinery that imports a module."""
    return filename.startswith((RUNNER, "<frozen importlib"))
