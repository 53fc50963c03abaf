"""Which Python environment the local cloud runs in: the present one, or one of its own.

The present one serves when it has the versions that requirements.txt names, as development and CI
have. Else there is one in the user's cache directory, made at the first start. Its name is a hash
of all that it depends on, so an upgraded batchctl or Python makes another; it appears whole or not
at all.
"""

from __future__ import annotations

import hashlib
import re
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from batchctl.local.environment import installation
from batchctl.local.environment.kept import Kept, kept_environment

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
_DECISIVE = ("ministack", "botocore")
"""The packages whose versions make an environment one that the local cloud can use."""

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
    return kept_environment(
        Kept(
            environment_name(),
            "the local cloud",
            "installing what the local cloud runs on, once for all projects: a minute or so …",
        ),
        lambda environment: installation.install(environment, REQUIREMENTS),
        installation.is_complete,
        report,
    )
