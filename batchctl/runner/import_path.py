"""Where modules are imported from: the user's folder comes last.

A file beside compute.py can then hide no module of Python, of boto3 or of ours, whatever its name
is. Nothing is imported here but what Python itself has imported at its start.
"""

from __future__ import annotations

import os
import sys


def put_last(folder: str) -> None:
    """Make `folder` the last of the import path, wherever PYTHONPATH or another has put it.

    The other entries become absolute: compute.py may change the working directory.
    """
    wanted = os.path.realpath(folder)
    others = [each for each in sys.path if os.path.realpath(each) != wanted]
    sys.path[:] = [*map(os.path.abspath, others), folder]
