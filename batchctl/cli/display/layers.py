"""Which layers of the image a push makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchctl.cli.output import say

if TYPE_CHECKING:
    from batchctl.image.layer_changes import LayerChanges


def show_layers(changes: LayerChanges | None) -> None:
    """Print what of the image is made anew, and what stays as it is."""
    if changes is None:
        return
    made = [f"{role} ({known})" if known else role for role, known in changes.made.items()]
    text = f"image: {', '.join(made) or 'nothing'} to build"
    say(f"{text}; {', '.join(changes.reused)} reused" if changes.reused else text)
