"""Starts the program: `python -P -m batchctl.runner`, in the folder of compute.py.

In the image, where this file is also the `__main__.py` of a folder of its own: `python -P FOLDER`.
"""

from __future__ import annotations

import os
import sys

from batchctl.runner.import_path import put_last


def start() -> int:
    """Run the task that the environment names; return the exit status."""
    put_last(os.getcwd())  # noqa: PTH109  # before this, any other import may be the user's
    from batchctl.runner.task import main  # noqa: PLC0415

    return main(sys.argv[1:], os.environ)


if __name__ == "__main__":
    sys.exit(start())
