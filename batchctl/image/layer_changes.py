"""What the next push uploads of an image that batchctl makes, for the plan to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from batchctl.image.composed import ComposedRecipe, files_inputs, files_of_runner
from batchctl.image.context import unreadable
from batchctl.image.dependencies import shown
from batchctl.image.oci.assembly import INPUTS, LAYER, base_of
from batchctl.image.oci.descriptors import Manifest


@dataclass(frozen=True)
class LayerChanges:
    """Which layers are made anew, each with what is known of it, and which are taken over."""

    made: Mapping[str, str]
    reused: tuple[str, ...]


def layer_changes(recipe: ComposedRecipe, newest: Manifest | None) -> LayerChanges:
    """Compare a recipe with the newest image in the repository, None where there is none.

    BatchctlError when a file can't be read.
    """
    base = base_of(newest) if newest else None
    serves = base if recipe.serves(base) else None
    there = {
        each.annotations[LAYER]: each.annotations.get(INPUTS, "")
        for each in (newest.layers if newest and serves else ())
        if LAYER in each.annotations
    }
    own = recipe.read().files
    wanted = {
        "packages": recipe.packages_inputs(serves) if serves else "",
        "runner": files_inputs(files_of_runner()),
        "compute": files_inputs(own),
    }
    known = {
        "base image": recipe.base_name,
        "packages": shown(recipe.dependencies.lines),
        "runner": "",
        "compute": _size(own, recipe.folder),
    }
    reused = [role for role, inputs in wanted.items() if there.get(role, " ") == inputs]
    if serves:
        reused.insert(0, "base image")
    return LayerChanges({k: v for k, v in known.items() if k not in reused}, tuple(reused))


def _size(files: Mapping[str, Path], folder: Path) -> str:
    with unreadable(folder):
        size = sum(path.lstat().st_size for path in files.values())
    return f"{size / 1000:.0f} kB" if size < 1e6 else f"{size / 1e6:.1f} MB"
