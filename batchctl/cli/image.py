"""What the compute image is built from, as config.yaml and the options say."""

from __future__ import annotations

import datetime as dt
import os
import platform
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from batchctl.cli.options import Options
from batchctl.cli.output import say
from batchctl.config import Config
from batchctl.errors import UsageError

if TYPE_CHECKING:
    from batchctl.cli.application import Application
    from batchctl.image.recipe import FolderRecipe, Secrets

DEFAULT_FOLDER = "compute"
LONGEST_LIST = 20


def recipe_of(options: Options, config: Config, *, rebuild: bool) -> FolderRecipe:
    """Return the folder to build from, for the processor of the machines that will run it.

    With `rebuild` it is built even when nothing changed. UsageError when there is no such folder.
    """
    from batchctl.cli.application import state_folder
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


def show_build_folder(application: Application) -> None:
    """Print which files of the folder are of an older batchctl, and what its Dockerfile lacks."""
    config = application.config
    if config.compute.image is not None:
        return
    folder = build_folder(application.options, config)
    show_superseded(folder)
    dockerfile = folder / "Dockerfile"
    if config.compute.command is None and dockerfile.is_file():
        _show_lack_of_runner(dockerfile)


def show_superseded(folder: Path) -> None:
    """Print which files of a folder are of an older batchctl, and may go."""
    from batchctl.image.superseded import superseded_files

    if names := superseded_files(folder):
        listed = " ".join(shlex.quote(os.path.relpath(folder / name)) for name in names)
        say(f"files of an older batchctl, which are no longer used: delete them with `rm {listed}`")


def _show_lack_of_runner(dockerfile: Path) -> None:
    from batchctl.image.completion import lacks_runner
    from batchctl.packaging import RUNNER_FOLDER

    if lacks_runner(dockerfile.read_text(encoding="utf-8", errors="replace")):
        copy = f"COPY {RUNNER_FOLDER} {RUNNER_FOLDER}"
        say(
            f"WARNING: `{os.path.relpath(dockerfile)}` doesn't copy the runner: add `{copy}` after "
            "`WORKDIR`, or set `compute.command`"
        )


def _listed(names: Sequence[str]) -> str:
    more = len(names) - LONGEST_LIST
    return ", ".join(names[:LONGEST_LIST]) + (f" and {more} more" if more > 0 else "")


def build_folder(options: Options, config: Config) -> Path:
    """Return the folder with compute.py, or with a Dockerfile, relative to config.yaml's.

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
