"""The compute.py of a job that brings its function along, as the runner loads it in the task.

It lies in a folder of its own, beside `function.pickle`, `made_by.json` and the cloudpickle that
made them; nothing of it is used where it lies in the package. It imports nothing of batchctl, as
the image may have another version of that.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent


def setup(parameters: dict[str, Any]) -> tuple[Any, Any, int]:
    """Return the function, what its own setup has returned, and how many arguments it takes."""
    made_by = json.loads((_FOLDER / "made_by.json").read_text(encoding="utf-8"))
    here = list(sys.version_info[:2])
    if made_by["python"] != here:
        # Compiled code is in the pickle, and no two versions of Python have the same.
        made, have = (".".join(map(str, each)) for each in (made_by["python"], here))
        raise ImportError(
            f"the function was made by Python {made}, and tasks have {have}: set `compute.python:"
            f' "{made}"` in config.yaml and run `batchctl up`, or submit from Python {have}'
        )
    sys.path.insert(0, str(_FOLDER / "packages"))
    try:
        import cloudpickle  # type: ignore[import-untyped]  # noqa: PLC0415 - from the folder

        shipped = cloudpickle.loads((_FOLDER / "function.pickle").read_bytes())
    finally:
        sys.path.remove(str(_FOLDER / "packages"))
    prepare = shipped["setup"]
    context = None if prepare is None else prepare(parameters)
    return shipped["function"], context, int(made_by["arguments"])


def compute(item: str, parameters: dict[str, Any], context: tuple[Any, Any, int]) -> dict[str, Any]:
    """Call the function with as many of item, parameters and its setup's value as it takes.

    What is no dict, or would look like it, becomes one: `{"value": …}`.
    """
    function, prepared, arguments = context
    value = function(*(item, parameters, prepared)[:arguments])
    return {"value": value} if not isinstance(value, dict) or set(value) == {"value"} else value
