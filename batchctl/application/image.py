"""What the compute image is, or what it is built from, as config.yaml says."""

from __future__ import annotations

import datetime as dt
import platform
from pathlib import Path

from batchctl.application.target import Target
from batchctl.config import Config
from batchctl.errors import UsageError
from batchctl.image import recipe
from batchctl.packaging import compute_directory

DEFAULT_FOLDER = "compute"
LOCAL_IMAGE = "batchctl/compute:local"


def image_of(target: Target, config: Config, *, rebuild: bool) -> str | recipe.Recipe:
    """Return the container image by name, or what it is built from.

    The local cloud needs none where it runs processes. UsageError when what is not built here is to
    be rebuilt, or when there is nothing to build it from.
    """
    named = config.compute.image
    if named is None and target.local and config.local.executor == "process":
        named = LOCAL_IMAGE
    if named is None:
        return _recipe_of(target, config, rebuild=rebuild)
    if rebuild:
        raise UsageError(
            f"could not rebuild the image `{named}`: it is not built here",
            hint="leave `--rebuild` out, or `compute.image` in config.yaml",
        )
    return named


def _recipe_of(target: Target, config: Config, *, rebuild: bool) -> recipe.FolderRecipe:
    """Return the folder to build from, for the processor of the machines that will run it.

    With `rebuild` it is built even when nothing changed.
    """
    # The local cloud's machine is this one.
    architecture = platform.machine() if target.local else config.compute.architecture
    return recipe.FolderRecipe(
        folder=build_folder(target, config),
        platform=recipe.platform_of(architecture),
        base_image=config.compute.base_image,
        builder=config.compute.builder,
        builder_options=config.compute.builder_options,
        rebuilt=_now() if rebuild else None,
        include_files=config.compute.include_files,
        workspace=target.state_folder,
    )


def secrets_of(image: str | recipe.Recipe) -> recipe.Secrets | None:
    """Return what looks like a secret where the image is built from; None when it isn't built."""
    return image.secrets if isinstance(image, recipe.FolderRecipe) else None


def build_folder(target: Target, config: Config) -> Path:
    """Return the folder with the Dockerfile and compute.py, relative to config.yaml's.

    It is the packaged sample where the default one is missing. UsageError when another is.
    """
    folder = target.folder / config.compute.build
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
