"""The Python of local tasks: one with the packages that compute.py needs, as its image has.

Where compute.py needs none, tasks run with the user's own Python. Else an environment is made for
them, and kept by the hash of what is in it. Which it is stands in a file in the local cloud's
folder, so that a change of packages takes no restart.
"""

from __future__ import annotations

import hashlib
import sys
import sysconfig
from collections.abc import Callable, Sequence
from pathlib import Path

from batchctl.errors import BatchctlError
from batchctl.image.dependencies import Dependencies
from batchctl.image.installation import parts_of, requirements_folder
from batchctl.local.environment import installation
from batchctl.local.environment.kept import Kept, kept_environment
from batchctl.local.environment.task_python import record_python

_NAME_LENGTH = 16
_SEEN = ".batchctl-complete"
"""A file that an environment has once everything is installed."""


def prepare(
    directory: Path,
    dependencies: Dependencies,
    own: Sequence[str],
    version: str,
    report: Callable[[str], None],
) -> str:
    """Make ready the Python of the tasks of the cloud in `directory`; return its version (`3.13`).

    `own` is what the runner imports. It is of the wanted `version` where there is one on this
    machine. BatchctlError when packages can't be installed; then tasks keep what they had.
    """
    if not dependencies.lines:
        record_python(directory, None)
        return installation.version_of(sys.executable)
    interpreter = installation.interpreter_for(version)
    kept = Kept(
        _name(dependencies, own, interpreter),
        "the packages of compute.py",
        "installing the packages of compute.py for local tasks, once until they change …",
    )
    environment = kept_environment(
        kept,
        lambda path: _install(path, dependencies, own, version),
        lambda path: (path / _SEEN).exists() and installation.python_of(path).exists(),
        report,
    )
    python = installation.python_of(environment)
    record_python(directory, python)
    return installation.version_of(str(python))


def _name(dependencies: Dependencies, own: Sequence[str], interpreter: str) -> str:
    parts = (dependencies.hash, *own, interpreter, sys.base_prefix, sysconfig.get_platform())
    return f"tasks-{hashlib.sha256('|'.join(parts).encode()).hexdigest()[:_NAME_LENGTH]}"


def _install(
    environment: Path, dependencies: Dependencies, own: Sequence[str], version: str
) -> None:
    with requirements_folder(dependencies, environment) as work:
        parts = parts_of(dependencies, own, work)
        said = installation.make(environment, parts, version)
    if said is not None:
        raise BatchctlError(
            f"could not install the packages of compute.py for local tasks:\n{said}",
            hint=f"correct them in `{dependencies.source}` beside compute.py, or check the network;"
            " then run the command again",
        )
    (environment / _SEEN).touch()
