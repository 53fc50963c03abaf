"""The user's build context completed by what is ours: the runner, a Dockerfile if it has none.

The runner, with the contract that it imports, lies in a folder of its own name, which no file of
the user's gets into (`secrets` keeps it out as a tool's own). Any Dockerfile that copies the whole
context into its working directory has it there, as ours does, and so had those of `init` before.
"""

from __future__ import annotations

import dataclasses
import posixpath
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from batchctl.errors import BatchctlError
from batchctl.image.context import DOCKERFILE, Context
from batchctl.packaging import RUNNER_FOLDER, runner_files

COMPUTE: Final = "compute.py"
REQUIREMENTS: Final = "requirements.txt"
# What requirements.txt may refer to (`-r requirements-base.txt`, `-c constraints.txt`).
_INSTALLED: Final = ("requirements*.txt", "constraints*.txt")
_OWN: Final = Path(__file__).parent
_COPY: Final = re.compile(r"(?im)^\s*(?:COPY|ADD)\s(?!.*--from=)(?P<rest>.*)$")


def complete(context: Context, folder: Path) -> Context:
    """Return the context that is built: the bytes of all that is ours count in its hash.

    BatchctlError when the folder has neither compute.py nor a Dockerfile, or when its compute.py is
    a link to what the image doesn't have.
    """
    files = {**context.files, **_runner()}
    if DOCKERFILE in context.files:
        return dataclasses.replace(context, files=dict(sorted(files.items())))
    require_compute(context, folder)
    files |= {DOCKERFILE: _OWN / DOCKERFILE, **_requirements(context)}
    return dataclasses.replace(context, files=dict(sorted(files.items())), hides_dockerfile=True)


def with_runner(context: Context) -> Context:
    """Return the context with the runner alone, for an image that is made without a Dockerfile."""
    return dataclasses.replace(
        context, files=dict(sorted({**context.files, **_runner()}.items())), hides_dockerfile=True
    )


def require_compute(context: Context, folder: Path) -> None:
    """Raise BatchctlError when a folder has no compute.py, or a link to one elsewhere."""
    if not _has_compute(context):
        raise BatchctlError(
            f"could not build the image: `{folder}` has no `{COMPUTE}` and no `{DOCKERFILE}`",
            hint="`batchctl init` in an empty folder writes one to start from; or name another "
            "folder (`compute.build`) or an image (`compute.image`) in config.yaml",
        )
    _require_linked(context, COMPUTE)


def lacks_runner(dockerfile: str) -> bool:
    """Whether a Dockerfile copies neither the whole context nor the folder of the runner."""
    joined = re.sub(r"\\\s*\n", " ", dockerfile)
    return not any(_may_copy_runner(found["rest"]) for found in _COPY.finditer(joined))


def _may_copy_runner(arguments: str) -> bool:
    words = re.split(r'[\s\[\],"]+', arguments)
    sources = [each for each in words if each and not each.startswith("--")][:-1]
    return any(
        each.rstrip("/") in {"", ".", "*", "./*"} or RUNNER_FOLDER in each or each.startswith("$")
        for each in sources
    )


def _runner() -> Mapping[str, Path]:
    return {f"{RUNNER_FOLDER}/{name}": path for name, path in runner_files().items()}


def _has_compute(context: Context) -> bool:
    return any(name in context.files for name in (COMPUTE, "compute/__init__.py"))


def _require_linked(context: Context, name: str) -> None:
    """Raise BatchctlError when a file is a link to what isn't in the context.

    No builder follows it. A link into a folder that is a link itself counts as one that leads out.
    """
    path = context.files.get(name)
    seen: set[str] = set()
    while path is not None and path.is_symlink() and name not in seen:
        seen.add(name)
        name = posixpath.normpath(posixpath.join(posixpath.dirname(name), path.readlink()))
        path = context.files.get(name)
    if seen and (path is None or path.is_symlink()):
        first = context.files[COMPUTE]
        raise BatchctlError(
            f"could not build the image: `{COMPUTE}` is a symbolic link to `{first.readlink()}`, "
            "which isn't in the image: a build doesn't follow links that lead out of the folder",
            hint=f"put the file itself into `{first.parent}`, or name the folder that has both "
            "(`compute.build` in config.yaml)",
        )


def _requirements(context: Context) -> Mapping[str, Path]:
    """Return what pip installs from, in a folder of its own: it is copied before the code is."""
    own = {
        name: path
        for name, path in context.files.items()
        if any(fnmatchcase(name, pattern) for pattern in _INSTALLED)
    }
    named = {REQUIREMENTS: _OWN / REQUIREMENTS, **own}
    return {f"{RUNNER_FOLDER}/requirements/{name}": path for name, path in named.items()}
