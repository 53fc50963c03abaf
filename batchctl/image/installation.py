"""Installs packages for another machine: wheels alone, chosen by platform and Python version.

By uv where it is there, as it is several times faster, else by pip. No program of the packages
runs, so that wheels for arm64 are laid out on x86_64, and on any system.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from batchctl.errors import BatchctlError
from batchctl.image.dependencies import Dependencies
from batchctl.image.running import Command, Watch, run

GLIBC_MINORS = range(5, 37)
"""Debian 12's glibc is 2.36: of the wheels for it and all older ones the newest kind is taken
(PEP 600, "Future manylinux platform tags")."""

_MACHINES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}
_NO_WHEEL = (
    # pip
    re.compile(r"No matching distribution found for (?P<name>[^\s(]+)"),
    # uv, 0.5 to 0.11
    re.compile(r"Wheels are (?:required|available) for `(?P<name>[A-Za-z0-9._-]+)`"),
    re.compile(r"(?P<name>[A-Za-z0-9._-]+)\S* ha(?:s|ve) no (?:usable wheels|wheels with a match)"),
    re.compile(r"(?P<name>[A-Za-z0-9._-]+) was not found in the (?:package registry|provided)"),
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
    with requirements_folder(dependencies, folder) as work:
        commands = _uv_commands if shutil.which("uv") else _pip_commands
        for named in _parts(dependencies, own, folder, work):
            for command in commands(target, named, folder, watch):
                ended = run(Command(command, dict(os.environ)), watch)
                if not ended.succeeded:
                    raise _failure(ended.text, dependencies, target)


@contextlib.contextmanager
def requirements_folder(dependencies: Dependencies, beside: Path) -> Iterator[Path]:
    """Give a folder with the files that the requirements refer to, until the block ends.

    They are named as from their own folder.
    """
    with TemporaryDirectory(prefix="requirements-", dir=beside.parent) as made:
        for name, content in (dependencies.referred or {}).items():
            (Path(made) / name).write_bytes(content)
        yield Path(made)


def options_of(dependencies: Dependencies, own: Sequence[str], work: Path) -> tuple[str, ...]:
    """Write requirements and constraints to `work`; return the options that name them."""
    requirements = work / "batchctl-requirements.txt"
    requirements.write_text("\n".join([*own, *dependencies.lines]) + "\n", encoding="utf-8")
    if not dependencies.constraints:
        return ("--requirement", str(requirements))
    constraints = work / "batchctl-constraints.txt"
    constraints.write_text("\n".join(dependencies.constraints) + "\n", encoding="utf-8")
    return ("--requirement", str(requirements), "--constraint", str(constraints))


def _parts(
    dependencies: Dependencies, own: Sequence[str], folder: Path, work: Path
) -> Iterator[tuple[str, ...]]:
    """Yield what to install one after the other into a folder, as options.

    Where the user's requirements have hashes all of one installation must (pip documentation,
    "Secure installs"), so that what is ours comes after it, with the versions that are there.
    """
    first, *later = parts_of(dependencies, own, work)
    yield first
    if later:
        present = tuple(
            f"{each.metadata['Name']}=={each.version}"
            for each in importlib.metadata.distributions(path=[str(folder)])
        )
        yield options_of(Dependencies(constraints=present), own, work)


def parts_of(dependencies: Dependencies, own: Sequence[str], work: Path) -> list[tuple[str, ...]]:
    """Return what to install one after the other, as options; what is there already stays."""
    if not dependencies.has_hashes:
        return [options_of(dependencies, own, work)]
    theirs = options_of(dependencies, (), work)
    (work / "own").mkdir(exist_ok=True)
    return [theirs, options_of(Dependencies(), own, work / "own")]


def _uv_commands(
    target: PackageTarget, named: Sequence[str], folder: Path, _: Watch
) -> Iterator[tuple[str, ...]]:
    suited = f"{target.machine}-manylinux_2_{GLIBC_MINORS[-1]}"
    target_options = ("--python-platform", suited, "--python-version", target.python)
    common = ("--no-progress", "--only-binary", ":all:", "--target", str(folder))
    yield ("uv", "pip", "install", *common, *target_options, *named)


def _has_pip() -> bool:
    """Whether this Python has pip; nothing is looked for by import, which setuptools listens to."""
    try:
        importlib.metadata.distribution("pip")
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _pip_commands(
    target: PackageTarget, named: Sequence[str], folder: Path, watch: Watch
) -> Iterator[tuple[str, ...]]:
    """Yield a download, and the installation of what it fetched.

    `pip install` would compare `Requires-Python` with the Python that runs it, whatever
    `--python-version` says; `pip download` doesn't.
    """
    if not _has_pip():
        raise BatchctlError(
            "could not install the packages of compute.py: neither uv nor pip is there",
            hint="install uv (`pip install uv`, or see docs.astral.sh/uv)",
        )
    if not _is_like_this(target):
        watch.on_line(
            f"image: pip decides conditions such as `python_version` by this machine's Python "
            f"({platform.python_version()}); uv, once installed, does so by the image's"
        )
    pip, quiet = (sys.executable, "-m", "pip"), ("--disable-pip-version-check", "--no-input")
    suited = _pip_target(target)
    with TemporaryDirectory(prefix="wheels-", dir=folder.parent) as wheels:
        fetching = ("--only-binary", ":all:", "--dest", wheels)
        yield (*pip, "download", *quiet, *fetching, *suited, *named)
        offline = ("--no-index", "--no-deps", "--ignore-requires-python", "--no-compile")
        fetched = sorted(str(each) for each in Path(wheels).glob("*.whl"))
        yield (*pip, "install", *quiet, *offline, "--target", str(folder), *suited, *fetched)


def _pip_target(target: PackageTarget) -> tuple[str, ...]:
    # pip knows the older names of the last one's wheels by its own older name alone.
    names = [*(f"manylinux_2_{minor}" for minor in reversed(GLIBC_MINORS)), "manylinux2014"]
    platforms = [
        argument for name in names for argument in ("--platform", f"{name}_{target.machine}")
    ]
    abis = ("--abi", f"cp{target.python.replace('.', '')}", "--abi", "abi3", "--abi", "none")
    return (*platforms, "--implementation", "cp", "--python-version", target.python, *abis)


def _is_like_this(target: PackageTarget) -> bool:
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    return (here, sys.platform, platform.machine()) == (target.python, "linux", target.machine)


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
