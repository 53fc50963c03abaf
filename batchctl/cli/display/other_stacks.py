"""Other stacks that the folder has a state of: a changed `name` leaves them where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchctl.cli.output import say

if TYPE_CHECKING:
    from batchctl.application import BuildableApplication


def show_other_stacks(application: BuildableApplication) -> None:
    """Print what other stacks are recorded here, where this one isn't deployed itself.

    Once it is, several stacks in a folder are what the user wants.
    """
    state = application.recorded
    if state is not None and state.resources:
        return
    name = application.config.name
    for other in application.other_stacks:
        say(
            f"WARNING: `{other.path}` records another stack, `{other.name}`, with "
            f"{other.resources} resources, which stay, and are billed, when `{name}` is built: to "
            f"go on with them, or to delete them, set `name: {other.name}` in config.yaml"
        )
