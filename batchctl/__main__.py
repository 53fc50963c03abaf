"""`python -m batchctl`: the command line.

Python puts the working directory first on the import path for `-m`, before all that is installed
(Python documentation, "Command line and environment"). There the user's modules may lie, beside
compute.py, under any names: they hide none of Python's or of ours, as for the script `batchctl`.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from batchctl.runner.import_path import put_last


def start() -> None:
    """Run the command line; the working directory is the last to import from, if at all."""
    if not sys.flags.safe_path:
        with suppress(FileNotFoundError):  # the folder was removed, which the command line says
            put_last(os.getcwd())  # noqa: PTH109  # before this, an import may be the user's
    from batchctl.cli import main  # noqa: PLC0415

    main(prog_name="batchctl")


if __name__ == "__main__":
    start()
