"""Which Python environment the local cloud runs in: the present one, or one of its own.

The present one serves when it has the versions that requirements.txt names, as development and CI
have. Else there is one in the user's cache directory, made at the first start. Its name is a hash
of all that it depends on, so an upgraded batchctl or Python makes another; it appears whole or not
at all.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from filelock import FileLock, Timeout

from batchctl.errors import BatchctlError
from batchctl.local.environment import installation
from batchctl.private_files import cache_directory, sealed_folder

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
_DECISIVE = ("ministack", "botocore")
"""The packages whose versions make an environment one that the local cloud can use."""

_LOCK_TIMEOUT_S = 600.0
"""An installation over a slow line; who waits so long learns whom they wait for."""

_NAME_LENGTH = 16


@dataclass(frozen=True)
class CloudPython:
    """The interpreter of an environment that has MiniStack.

    `is_own`: the environment is the local cloud's own, and nothing of the user's belongs in it.
    """

    executable: str
    is_own: bool


def cloud_python(report: Callable[[str], None]) -> CloudPython:
    """Return the interpreter for the local cloud; its environment is made where there is none.

    `report` gets a line before anything is installed. BatchctlError when that fails; then nothing
    half-made is left.
    """
    if is_present():
        return CloudPython(sys.executable, is_own=False)
    return CloudPython(str(installation.python_of(_own_environment(report))), is_own=True)


def is_present() -> bool:
    """Return whether the present environment has the versions that the local cloud needs."""
    needed = versions()
    try:
        return all(metadata.version(name) == needed[name] for name in _DECISIVE)
    except metadata.PackageNotFoundError:
        return False


def versions() -> dict[str, str]:
    """Return the version of each package that the local cloud's environment has."""
    text = REQUIREMENTS.read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE))


def environment_name() -> str:
    """Return the name of the environment for these requirements and this Python."""
    parts = (
        REQUIREMENTS.read_text(encoding="utf-8"),
        str(sys.implementation.cache_tag),
        sysconfig.get_platform(),
        sys.base_prefix,
    )
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    return f"local-{digest[:_NAME_LENGTH]}"


def _own_environment(report: Callable[[str], None]) -> Path:
    environment = sealed_folder(cache_directory()) / environment_name()
    if installation.is_complete(environment):
        return environment
    report("installing what the local cloud runs on, once for all projects: a minute or so …")
    try:
        with FileLock(environment.with_suffix(".lock"), timeout=_LOCK_TIMEOUT_S):
            if not installation.is_complete(environment):  # another start may have made it
                _make(environment)
    except Timeout as error:
        why = f"another process has been installing it for {_LOCK_TIMEOUT_S:.0f} s"
        hint = f"end that process (it holds `{error.lock_file}`), then run the command again"
        raise BatchctlError(f"could not install the local cloud: {why}", hint) from error
    return environment


def _make(environment: Path) -> None:
    """Install beside the environment, then put it in its place: it is never seen half made."""
    partial = environment.with_suffix(".partial")
    try:
        _delete(partial)  # of a start that was killed
        installation.install(partial, REQUIREMENTS)
        _delete(environment)  # whose Python is gone, or that somebody has taken files from
        partial.rename(environment)
    except OSError as error:
        why = error.strerror or str(error)
        raise BatchctlError(
            f"could not install the local cloud in `{environment}`: {why}"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _delete(directory: Path) -> None:
    if directory.exists():
        shutil.rmtree(directory)
