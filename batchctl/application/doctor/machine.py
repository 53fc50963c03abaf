"""Checks of this machine: versions, the folder, the compute function, what builds the image."""

from __future__ import annotations

import ast
import os
import platform
import shutil
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from batchctl import __version__
from batchctl.application.doctor.findings import Check, Finding, ok, problem, warning
from batchctl.application.image import build_folder
from batchctl.image.engine_search import find_engine
from batchctl.image.recipe import FolderRecipe

if TYPE_CHECKING:
    from batchctl.application.building import BuildableApplication

FREE_BYTES = 500 * 1024 * 1024
"""An image's packages and layers are laid out before they are uploaded."""


def versions(application: BuildableApplication) -> Iterator[Finding]:
    """Say what runs."""
    del application
    boto3 = metadata.version("boto3")
    yield ok(f"batchctl {__version__}, Python {platform.python_version()}, boto3 {boto3}")


def folder(application: BuildableApplication) -> Iterator[Finding]:
    """Look whether the state can be written, and whether there is space."""
    path = _existing(application.state_path)
    if not os.access(path, os.W_OK):
        yield problem(
            f"`{path}` can't be written to", "change its owner or mode: the state is kept there"
        )
        return
    free = shutil.disk_usage(path).free
    if free < FREE_BYTES:
        yield warning(
            f"`{path}` has {free / 1e6:.0f} MB of free space",
            f"free some: an image may take {FREE_BYTES / 1e6:.0f} MB while it is made",
        )
        return
    yield ok(f"the state can be written to `{path}`")


def compute_function(application: BuildableApplication) -> Iterator[Finding]:
    """Look whether compute.py can be parsed and has a function `compute`, without running it."""
    config = application.config
    if config.compute.image is not None:
        yield ok(f"the image is `{config.compute.image}`: it isn't built here")
        return
    folder_path = build_folder(application.target, config)
    path = folder_path / "compute.py"
    if not path.is_file():
        if (folder_path / "Dockerfile").is_file():
            yield ok(f"`{folder_path / 'Dockerfile'}` says what the image is")
            return
        yield problem(
            f"`{folder_path}` has no compute.py", "`batchctl init` writes one to start from"
        )
        return
    yield _compute_in(path)


def _compute_in(path: Path) -> Finding:
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except (SyntaxError, ValueError) as error:
        return problem(f"`{path}` can't be parsed: {error}", "correct it: every item would fail")
    defined = {name for node in tree.body for name in _names(node)}
    if "compute" not in defined and "*" not in defined:
        return problem(
            f"`{path}` has no function `compute`", "write `def compute(item, parameters): …` in it"
        )
    return ok(f"`{path}` has a function `compute`")


def _names(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Assign(targets=targets):
            yield from (each.id for each in targets if isinstance(each, ast.Name))
        case ast.ImportFrom(names=names) | ast.Import(names=names):
            yield from (each.asname or each.name for each in names)
        case ast.If() | ast.Try() | ast.With():
            # Which branch runs is for Python to know.
            yield "*"


def image_builder(application: BuildableApplication) -> Iterator[Finding]:
    """Look whether what builds the image works."""
    image = application.image
    if isinstance(image, str):
        yield ok("nothing has to be built here")
        return
    if isinstance(image, FolderRecipe):
        engine = find_engine(image.builder, image.builder_options)
        yield ok(f"`{engine.program}` builds the image")
        return
    yield ok("batchctl makes the image itself: no Docker is needed")


def _existing(path: Path) -> Path:
    return next(each for each in path.absolute().parents if each.exists())


CHECKS = (
    Check("versions", versions, calls=False),
    Check("folder", folder, calls=False),
    Check("compute function", compute_function, calls=False),
    Check("image", image_builder, calls=False),
)
