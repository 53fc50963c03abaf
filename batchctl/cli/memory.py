"""Garbage collection for a program that runs for seconds and then ends.

botocore's descriptions of the services are hundreds of thousands of objects that stay until the
end. Python looks through them again and again while they are loaded, and once more when it ends:
together half a second of a command that takes two.
"""

from __future__ import annotations

import atexit
import gc

# Objects made since the last collection; Python's own is 700 (gc, set_threshold). Small enough for
# a command that watches a job for hours.
COLLECT_AFTER = 50_000


def collect_seldom() -> None:
    """Collect seldom while the process runs, and at its end leave everything to the system."""
    gc.set_threshold(COLLECT_AFTER)
    atexit.register(gc.freeze)
