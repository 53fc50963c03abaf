"""What the compute image is built from, as config.yaml and the options say."""

from __future__ import annotations

import datetime as dt
import platform
from pathlib import Path
from typing import TYPE_CHECKING

from batchctl.cli.options import Options
from batchctl.config import Config
from batchctl.errors import UsageError

if TYPE_CHECKING:
    from batchctl.image.recipe import FolderRecipe

DEFAULT_FOLDER = "compute"


def recipe_of(options: Options, config: Config, *, rebuild: bool) -> FolderRecipe:
    """Return the folder to build from, for the processor of the machines that will run it.

    With `rebuild` it is built even when nothing changed. UsageError when there is no such folder.
    """
    from batchctl.image.recipe import FolderRecipe, platform_of

    # The local cloud's machine is this one.
    architecture = platform.machine() if options.local else config.compute.architecture
    return FolderRecipe(
        folder=build_folder(options, config),
        platform=platform_of(architecture),
        base_image=config.compute.base_image,
        builder=config.compute.builder,
        builder_options=config.compute.builder_options,
        rebuilt=_now() if rebuild else None,
    )


def build_folder(options: Options, config: Config) -> Path:
    """Return the folder with the Dockerfile and compute.py, relative to config.yaml's.

    It is the packaged sample where the default one is missing. UsageError when another is.
    """
    from batchctl.packaging import compute_directory

    folder = options.config_path.parent / config.compute.build
    if folder.is_dir():
        return folder.resolve()
    if config.compute.build == DEFAULT_FOLDER:
        return compute_directory().resolve()
    raise UsageError(
        f"could not find what the image is built from: `{folder}` is no folder",
        hint="correct `compute.build` in config.yaml: it is relative to the file's own folder",
    )


def _now() -> str:
    return dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%SZ")
