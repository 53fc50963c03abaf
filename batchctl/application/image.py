"""What the compute image is, or what it is built from, as config.yaml says."""

from __future__ import annotations

import datetime as dt
import platform
from dataclasses import dataclass
from pathlib import Path

from batchctl.application.target import Target
from batchctl.config import Config
from batchctl.engine.state import State
from batchctl.errors import UsageError
from batchctl.image import composed, recipe
from batchctl.image.completion import lacks_runner
from batchctl.image.superseded import superseded_files
from batchctl.local import pictures
from batchctl.packaging import compute_directory
from batchctl.private_files import cache_directory

DEFAULT_FOLDER = "compute"
IMAGE = "image.compute"
_MADE_HERE = (recipe.FolderRecipe, composed.ComposedRecipe)


def image_of(target: Target, config: Config, *, rebuild: bool) -> str | recipe.Recipe:
    """Return the container image by name, or what it is built from.

    Where the local cloud runs processes it is the name of a picture of the folder. UsageError when
    what is not built here is to be rebuilt, or when there is nothing to build it from.
    """
    named = config.compute.image
    if named is None and runs_from_picture(target, config):
        named = pictures.image_of(build_folder(target, config), config.compute.include_files)
    if named is None:
        return _recipe_of(target, config, rebuild=rebuild)
    if rebuild:
        raise UsageError(
            f"could not rebuild the image `{named}`: it is not built here",
            hint="leave `--rebuild` out, or `compute.image` in config.yaml",
        )
    return named


def runs_from_picture(target: Target, config: Config) -> bool:
    """Return whether tasks are processes of this machine that run from a picture of the folder."""
    is_named = config.compute.image is not None
    return target.local and config.local.executor == "process" and not is_named


def _recipe_of(
    target: Target, config: Config, *, rebuild: bool
) -> recipe.FolderRecipe | composed.ComposedRecipe:
    """Return the folder to build from, for the processor of the machines that will run it.

    With `rebuild` it is built even when nothing changed.
    """
    # The local cloud's machine is this one.
    architecture = platform.machine() if target.local else config.compute.architecture
    folder, builder = build_folder(target, config), config.compute.builder
    if builder == "batchctl" or (builder == "auto" and not (folder / "Dockerfile").is_file()):
        return composed.ComposedRecipe(
            folder=folder,
            platform=recipe.platform_of(architecture),
            cache=cache_directory() / "layers",
            python=config.compute.python,
            base_image=config.compute.base_image,
            rebuilt=_now() if rebuild else None,
            include_files=config.compute.include_files,
            workspace=target.state_folder,
        )
    return recipe.FolderRecipe(
        folder=folder,
        platform=recipe.platform_of(architecture),
        base_image=config.compute.base_image,
        builder=builder,
        builder_options=config.compute.builder_options,
        rebuilt=_now() if rebuild else None,
        include_files=config.compute.include_files,
        workspace=target.state_folder,
    )


def secrets_of(image: str | recipe.Recipe) -> recipe.Secrets | None:
    """Return what looks like a secret where the image is built from; None when it isn't built."""
    return image.secrets if isinstance(image, _MADE_HERE) else None


def contents_of(target: Target, config: Config) -> str | None:
    """Return the hash of what the folder would be built into now.

    None where a named image runs, and where there is no folder, as for those who only submit.
    """
    if config.compute.image is not None or not (target.folder / config.compute.build).is_dir():
        return None
    return _recipe_of(target, config, rebuild=False).contents


def deployed_contents(state: State | None) -> str | None:
    """Return the hash of what the last `up` built; None where that isn't known.

    The image's tag says it, and of a local cloud that needs no image the state itself.
    """
    if state is None:
        return None
    tag = str(state.outputs(IMAGE).get("id", ""))
    return tag.partition("-")[0] or state.compute


@dataclass(frozen=True)
class FolderNotice:
    """What to know of the folder that the image is built from.

    `superseded`: files of an older batchctl, which may go. `dockerfile`: the user's own, where it
    lacks the runner that the container is to start with; None where all is well.
    """

    superseded: tuple[Path, ...] = ()
    dockerfile: Path | None = None


def folder_notice(target: Target, config: Config) -> FolderNotice:
    """Return what to know of the folder; nothing where a named image runs."""
    if config.compute.image is not None:
        return FolderNotice()
    folder = build_folder(target, config)
    dockerfile = folder / "Dockerfile"
    needs_runner = config.compute.command is None and dockerfile.is_file()
    lacks = needs_runner and lacks_runner(dockerfile.read_text("utf-8", errors="replace"))
    return FolderNotice(superseded_in(folder), dockerfile if lacks else None)


def superseded_in(folder: Path) -> tuple[Path, ...]:
    """Return the files of an older batchctl in a folder: they are known by their contents."""
    return tuple(folder / name for name in superseded_files(folder))


def is_sample(target: Target, config: Config) -> bool:
    """Whether the image would be built from the packaged sample, as there is no folder."""
    return config.compute.image is None and build_folder(target, config) == _sample()


def _sample() -> Path:
    return compute_directory().resolve()


def build_folder(target: Target, config: Config) -> Path:
    """Return the folder with compute.py, or with a Dockerfile, relative to config.yaml's.

    It is the packaged sample where the default one is missing. UsageError when another is.
    """
    folder = target.folder / config.compute.build
    if folder.is_dir():
        return folder.resolve()
    if config.compute.build == DEFAULT_FOLDER:
        return _sample()
    raise UsageError(
        f"could not find what the image is built from: `{folder}` is no folder",
        hint="correct `compute.build` in config.yaml: it is relative to the file's own folder",
    )


def _now() -> str:
    return dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%SZ")
