"""A base image for compute/Dockerfile, made of the Python that runs the tests, its boto3 and pip.

As no registry is asked, `pip install boto3` finds it installed and asks for nothing either.
"""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

from podman_here import Podman, libraries, programs

IMAGE = "localhost/python:here"
PACKAGES = ("boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "urllib3", "six")
# What the runner calls, of the descriptions of four hundred services.
SERVICES = ("dynamodb", "sts", "sso", "sso-oidc")
UNNEEDED = {"test", "tests", "idlelib", "tkinter", "ensurepip", "lib2to3", "turtledemo"}
SITE = "/site"

File = tuple[Path, str]


def import_python(podman: Podman, certificates: Path | None = None) -> None:
    """Make the image IMAGE; pip trusts these certificates in it, where it is to ask an index."""
    variables = [f"PYTHONPATH={SITE}", "PIP_DISABLE_PIP_VERSION_CHECK=1"]
    files = set(_files(podman.folder))
    if certificates is not None:
        files.add((certificates, str(certificates)))
        variables.append(f"PIP_CERT={certificates}")
    podman.import_files(IMAGE, files, *variables)


def _files(folder: Path) -> Iterator[File]:
    yield from programs(("sh",))
    # In its own place, where it looks for its library from.
    python = Path(sys._base_executable).resolve()  # type: ignore[attr-defined]
    yield python, str(python)
    yield from libraries([python])
    yield from _script(folder / "python", f'exec {python} "$@"')
    yield from _script(folder / "pip", f'exec {python} -m pip "$@"')
    yield from _standard_library()
    for package in (*PACKAGES, "pip"):
        yield from _package(package)


def _script(path: Path, command: str) -> Iterator[File]:
    path.write_text(f"#!/bin/sh\n{command}\n")
    path.chmod(0o755)
    yield path, f"/usr/bin/{path.name}"


def _standard_library() -> Iterator[File]:
    root = Path(sysconfig.get_path("stdlib"))
    files = [path for path in root.rglob("*") if _is_needed(path.relative_to(root).parts)]
    yield from ((path, str(path)) for path in files if not path.is_dir())
    yield from libraries(path for path in files if path.suffix == ".so")


def _is_needed(parts: tuple[str, ...]) -> bool:
    is_another = parts[0].endswith("-packages") or parts[0].startswith("config-")
    return not (is_another or UNNEEDED & set(parts) or parts[-1] == "EXTERNALLY-MANAGED")


def _package(name: str) -> Iterator[File]:
    for file in distribution(name).files or ():
        path = Path(str(file.locate()))
        is_described = file.parts[:2] == ("botocore", "data") and len(file.parts) > 3
        is_unneeded = is_described and file.parts[2] not in SERVICES
        if ".." not in file.parts and not is_unneeded:
            yield path, f"{SITE}/{file.as_posix()}"
