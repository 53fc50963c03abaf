"""Installs packages for another machine: wheels alone, chosen by platform and Python version.

By uv where it is there, as it is several times faster, else by pip. No program of the packages
runs, so that wheels for arm64 are laid out on x86_64, and on any system.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from batchctl.errors import BatchctlError
from batchctl.image.dependencies import Dependencies
from batchctl.image.running import Command, Watch, run

GLIBC_MINORS = range(5, 37)
"""Debian 12's glibc is 2.36: of the wheels for it and all older ones the newest kind is taken
(PEP 600, "Future manylinux platform tags")."""

_MACHINES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}
_NO_WHEEL = (
    re.compile(r"No matching distribution found for (?P<name>[^\s(]+)"),
    re.compile(r"Because (?P<name>[A-Za-z0-9._-]+)\S* has no usable wheels"),
    re.compile(r"(?P<name>[A-Za-z0-9._-]+)\S* has no wheels with a matching"),
)


@dataclass(frozen=True)
class PackageTarget:
    """What packages are for: a platform (`linux/arm64`) and a Python version (`3.13`)."""

    platform: str
    python: str

    @property
    def machine(self) -> str:
        """The processor, as wheels spell it; BatchctlError for one that has none."""
        if self.platform not in _MACHINES:
            raise BatchctlError(
                f"could not install packages for {self.platform}: no wheels have it"
            )
        return _MACHINES[self.platform]


Installer = Callable[[Dependencies, Sequence[str], PackageTarget, Path, Watch], None]
"""Lays packages out in a folder, as `install` does."""


def install(
    dependencies: Dependencies,
    own: Sequence[str],
    target: PackageTarget,
    folder: Path,
    watch: Watch,
) -> None:
    """Install what is needed, and what we need ourselves, into `folder`.

    BatchctlError that names the package when one has no wheel for the target, or isn't there.
    """
    work = folder.parent / f"{folder.name}.requirements"
    work.mkdir()
    for name, content in (dependencies.referred or {}).items():
        (work / name).write_bytes(content)
    requirements = work / "batchctl-requirements.txt"
    requirements.write_text("\n".join([*own, *dependencies.lines]) + "\n", encoding="utf-8")
    constraints = work / "batchctl-constraints.txt"
    constraints.write_text("\n".join(dependencies.constraints) + "\n", encoding="utf-8")
    command = _command(target, folder, requirements, constraints)
    # Files that the requirements refer to are named as from their own folder.
    ended = run(Command(command, dict(os.environ)), watch)
    shutil.rmtree(work, ignore_errors=True)
    if not ended.succeeded:
        raise _failure(ended.text, dependencies, target)


def _command(
    target: PackageTarget, folder: Path, requirements: Path, constraints: Path
) -> tuple[str, ...]:
    common = ("--target", str(folder), "--only-binary", ":all:")
    named = ("--requirement", str(requirements), "--constraint", str(constraints))
    uv = shutil.which("uv")
    if uv is not None:
        platform = f"{target.machine}-manylinux_2_{GLIBC_MINORS[-1]}"
        target_options = ("--python-platform", platform, "--python-version", target.python)
        return (uv, "pip", "install", "--no-progress", *common, *target_options, *named)
    if importlib.util.find_spec("pip") is None:
        raise BatchctlError(
            "could not install the packages of compute.py: neither uv nor pip is there",
            hint="install uv (`pip install uv`, or see docs.astral.sh/uv)",
        )
    platforms = [
        argument
        for minor in reversed(GLIBC_MINORS)
        for argument in ("--platform", f"manylinux_2_{minor}_{target.machine}")
    ]
    version = target.python.replace(".", "")
    abis = ("--abi", f"cp{version}", "--abi", "abi3", "--abi", "none")
    version_options = ("--implementation", "cp", "--python-version", target.python, *abis)
    quiet = ("--disable-pip-version-check", "--no-input", "--no-compile", "--no-warn-conflicts")
    pip = (sys.executable, "-m", "pip", "install", *quiet)
    return (*pip, *common, *platforms, *version_options, *named)


def _failure(output: str, dependencies: Dependencies, target: PackageTarget) -> BatchctlError:
    found = next(filter(None, (each.search(output) for each in _NO_WHEEL)), None)
    wanted = f"Python {target.python} on {target.platform}"
    if found is not None:
        return BatchctlError(
            f"could not install `{found['name']}` for {wanted}: it has no wheel for that, or "
            f"there is no such package\n{output}",
            hint=f"correct it in `{dependencies.source or 'requirements.txt'}`; a package that "
            "must be compiled needs a `Dockerfile` beside compute.py, and docker, podman or finch",
        )
    return BatchctlError(
        f"could not install the packages of compute.py for {wanted}\n{output}",
        hint="fix what the last lines say, then run the command again: what is already uploaded "
        "stays",
    )
