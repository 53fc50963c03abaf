"""What looks like a secret where the image is built from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from batchctl.cli.output import say

if TYPE_CHECKING:
    from batchctl.image.recipe import Secrets

LONGEST_LIST = 20


def show_secrets(secrets: Secrets | None) -> None:
    """Print the files that stay out of the image, and those that had better: never a content."""
    if secrets is None:
        return
    if secrets.kept_out:
        names = _listed([f"`{name}`" for name in secrets.kept_out])
        say(f"kept out of the image: {names} (`compute.include_files` lets a file in)")
    if secrets.inside:
        names = _listed([f"`{name}` ({why})" for name, why in secrets.inside.items()])
        say(f"WARNING: the image will hold what looks like a secret: {names}")


def _listed(names: Sequence[str]) -> str:
    more = len(names) - LONGEST_LIST
    return ", ".join(names[:LONGEST_LIST]) + (f" and {more} more" if more > 0 else "")
