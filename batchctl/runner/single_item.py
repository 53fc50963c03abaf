"""One item without a task: what `batchctl run` starts, a Python of its own that calls compute.

It has the user's code loaded, set up and called exactly as a task has; there is no table and no
other try. What compute prints goes to stderr, where a traceback goes, too. Unlike a task's item it
keeps the terminal: `breakpoint()` works.
"""

from __future__ import annotations

import faulthandler
import json
import os
import sys
from collections.abc import Mapping
from typing import Any, NoReturn

from batchctl.runner.calling import Prepared, load
from batchctl.runner.import_path import put_last
from batchctl.runner.item_process import Order, flush, reply_of, text_stream
from batchctl.runner.reply import write_all
from batchctl.runner.user_code import hidden_modules


def main(given: Mapping[str, Any]) -> NoReturn:
    """Compute `item` with `parameters` by the compute.py in `folder`, and end this process.

    `own` are the item's own parameters, which go before those.
    To the descriptor `result` goes what came of it: a JSON object with the fields of a `Reply`.
    """
    folder, result = str(given["folder"]), int(given["result"])
    os.set_inheritable(result, False)  # noqa: FBT003  # its only form
    os.dup2(2, 1)
    sys.stdout = sys.__stdout__ = text_stream(1)  # type: ignore[misc]  # as Python's start does
    faulthandler.enable(file=2)
    put_last(folder)

    def prepare() -> Prepared:
        return load(folder).prepare(dict(given["parameters"]))

    own = dict(given["own"])
    order = Order(str(given["item"]), result, 2, None, dict(hidden_modules(folder)), own)
    status = 1
    try:
        reply = reply_of(prepare, order, os.getpid())
        flush()
        write_all(result, json.dumps(vars(reply)).encode())
        status = 0
    finally:
        # Not through Python's own end, as in a task: that waits for threads.
        os._exit(status)
