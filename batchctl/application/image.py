"""What the compute image is built from, as config.yaml and the options say."""

from __future__ import annotations

import datetime as dt
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from batchctl.cli.options import Options
from batchctl.cli.output import say
from batchctl.config import Config
from batchctl.errors import UsageError

if TYPE_CHECKING:
    from batchctl.application.application import Application
    from batchctl.image.recipe import FolderRecipe, Secrets

DEFAULT_FOLDER = "compute"
LONGEST_LIST = 20


def recipe_of(options: Options, config: Config, *, rebuild: bool) -> FolderRecipe:
    """Return the folder to build from, for the processor of the machines that will run it.

    With `rebuild` it is built even when nothing changed. UsageError when there is no such folder.
    """
    from batchctl.application.application import state_folder
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
        include_files=config.compute.include_files,
        workspace=state_folder(options),
    )


def secrets_of(application: Application) -> Secrets | None:
    """Return what looks like a secret where the image is built from; None when it isn't built."""
    from batchctl.image.recipe import FolderRecipe

    image = application.image
    return image.secrets if isinstance(image, FolderRecipe) else None


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
