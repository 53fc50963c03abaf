"""Makes virtual environments, by uv where it is, else by pip: the local cloud's own, and tasks'.

Every package of the local cloud's is installed at the version and by the hash that its requirements
name.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from batchctl.errors import BatchctlError

_SHOWN_LINES = 4
_NOT_PASSED_ON = frozenset({"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PIP_REQUIRE_VIRTUALENV"})
"""What would let the user's own environment into the new one."""

_HINTS = (
    (
        ("no space left", "disk quota exceeded"),
        "free some space (100 MB), or set XDG_CACHE_HOME to a folder where there is some",
    ),
    (
        ("ensurepip", "no module named venv"),
        "install Python's `venv` (Debian and Ubuntu: `sudo apt-get install python3-venv`), or uv",
    ),
)
_Way = tuple[str, Sequence[Sequence[str]]]


def install(environment: Path, requirements: Path) -> None:
    """Make the local cloud's environment in a folder that isn't there yet.

    BatchctlError with what each way said.
    """
    exactly = ("--require-hashes", "--requirement", str(requirements))
    output = make(environment, [exactly])
    if output is not None:
        raise _failed(output, requirements)


def make(
    environment: Path, parts: Sequence[Sequence[str]], version: str | None = None
) -> str | None:
    """Make an environment in a folder that isn't there yet; return what each way said if none did.

    `parts` are what is installed one after the other, as options of `pip install`. Its Python is of
    that version where one is found, else the present one. Where one way fails the next is tried: uv
    may not know the package index that pip is set up for.
    """
    outputs: list[str] = []
    for name, commands in _ways(environment, parts, version):
        output = _first_failure(commands, environment.parent)
        if output is None:
            return None
        outputs.append(f"{name}: {output}")
        shutil.rmtree(environment, ignore_errors=True)
    return "\n".join(outputs)


def python_of(environment: Path) -> Path:
    """Return where an environment has its interpreter."""
    return environment / "bin" / "python"


def is_complete(environment: Path) -> bool:
    """Return whether an environment has MiniStack, and an interpreter that is still there."""
    app = "lib/python*/site-packages/ministack/app.py"
    return python_of(environment).exists() and any(environment.glob(app))


def _ways(environment: Path, parts: Sequence[Sequence[str]], version: str | None) -> Iterator[_Way]:
    python, interpreter = str(python_of(environment)), interpreter_for(version)
    uv = shutil.which("uv")
    if uv is not None:
        pip = (uv, "pip", "install", "--quiet", "--python", python)
        base = ("--no-project", "--python", interpreter)
        venv = (uv, "venv", "--quiet", *base, str(environment))
        yield "uv", (venv, *((*pip, *part) for part in parts))
    options = ("--quiet", "--disable-pip-version-check", "--no-input", "--no-user")
    install = (python, "-P", "-m", "pip", "install", *options)
    isolated = ("-P",) if interpreter == sys.executable else ()
    venv = (interpreter, *isolated, "-m", "venv", str(environment))
    yield "pip", (venv, *((*install, *part) for part in parts))


def interpreter_for(version: str | None) -> str:
    """Return a Python of a version (`3.13`), by what is on PATH; else the present one."""
    if version is None or version == version_of(sys.executable):
        return sys.executable
    found = shutil.which(f"python{version}")
    # It may be a shim (pyenv's) of a version that is not to be had here.
    return found if found and version_of(found) == version else sys.executable


def version_of(python: str) -> str:
    """Return the version of an interpreter as `3.13`; empty when it can't be run."""
    if python == sys.executable:
        return f"{sys.version_info.major}.{sys.version_info.minor}"
    program = "import sys; print('{}.{}'.format(*sys.version_info))"
    try:
        done = subprocess.run(  # noqa: S603 - an interpreter of the user's own
            [python, "-I", "-c", program],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _first_failure(commands: Sequence[Sequence[str]], folder: Path) -> str | None:
    """Run commands until one fails; return the end of what it said, None when all went well."""
    kept = {name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON}
    for command in commands:
        try:
            done = subprocess.run(  # noqa: S603 - the user's own uv or Python
                command,
                cwd=folder,
                env=kept,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                check=False,
            )
        except OSError as error:
            return f"could not run `{command[0]}`: {error.strerror}"
        if done.returncode != 0:
            lines = [line for line in done.stdout.splitlines() if line.strip()]
            return "\n".join(lines[-_SHOWN_LINES:]) or f"exit code {done.returncode}"
    return None


def _failed(output: str, requirements: Path) -> BatchctlError:
    lower = output.lower()
    hint = next((hint for texts, hint in _HINTS if any(text in lower for text in texts)), None)
    by_hand = f"{sys.executable} -m pip install --requirement {requirements}"
    return BatchctlError(
        f"could not install the local cloud:\n{output}",
        hint
        or f"check the network, then run the command again. Without a network, install what "
        f"it needs into batchctl's own environment (from a mirror, say): `{by_hand}`",
    )
