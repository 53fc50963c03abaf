"""Results as a table that is printed while its pages come, whatever there is of them."""

from __future__ import annotations

from batchctl.cli.display.tables import Importance

IMPORTANCE = Importance(
    kept=("item", "status"),
    first=("peak_memory_mib", "attempts", "signal", "seconds", "exit_code"),
    last=("error", "reason"),
)
"""Of what is no result of the user's, the cause of a failure matters most."""
