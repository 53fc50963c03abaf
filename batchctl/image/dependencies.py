"""The packages that compute.py needs: said once, in one of the places that Python knows.

`requirements.txt`, a `pyproject.toml` (with the versions of a `uv.lock` beside it), or the comment
block `# /// script` at the head of compute.py (Python packaging user guide, "Inline script
metadata", PEP 723). One reading serves the image, the local cloud and `batchctl run`.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchctl.errors import BatchctlError

REQUIREMENTS, PYPROJECT, LOCK, COMPUTE = (
    "requirements.txt",
    "pyproject.toml",
    "uv.lock",
    "compute.py",
)
_REFERRED = ("requirements*.txt", "constraints*.txt")
_BLOCK = re.compile(r"(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$")
"""As PEP 723 has it."""


@dataclass(frozen=True)
class Dependencies:
    """What is to be installed: `source` is the file that says so, None where nothing does.

    `lines` are requirements as pip reads them, `constraints` versions for what they bring along;
    `folder` is where a file that they refer to lies. `requires_python` is the version specifier
    that was asked for, if any.
    """

    source: str | None = None
    lines: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    folder: Path | None = None
    referred: Mapping[str, bytes] | None = None
    requires_python: str | None = None

    @property
    def has_hashes(self) -> bool:
        """Whether the requirements name the only files that may be installed for them."""
        texts = (*self.lines, *(str(each) for each in (self.referred or {}).values()))
        return any("--hash" in text or "--require-hashes" in text for text in texts)

    @property
    def hash(self) -> str:
        """Stands for all that decides what is installed, but the registry and the day."""
        total = hashlib.sha256()
        parts = [*self.lines, "--", *self.constraints]
        parts += [f"{name}\0{content!r}" for name, content in sorted((self.referred or {}).items())]
        for part in parts:
            total.update(part.encode() + b"\0")
        return total.hexdigest()


def read_dependencies(folder: Path) -> Dependencies:
    """Return what a folder with a compute.py needs.

    BatchctlError when two places say it, or one can't be read.
    """
    found = [
        each
        for each in (_requirements(folder), _project(folder), _script(folder))
        if each is not None
    ]
    if len(found) > 1:
        named = " and ".join(f"`{each.source}`" for each in found)
        raise BatchctlError(
            f"could not tell which packages `{folder}` needs: {named} both say so",
            hint="keep them in one of the places",
        )
    return found[0] if found else Dependencies()


def _requirements(folder: Path) -> Dependencies | None:
    path = folder / REQUIREMENTS
    if not path.is_file():
        return None
    lines = tuple(_meaningful(_text(path)))
    referred = {
        each.name: each.read_bytes()
        for pattern in _REFERRED
        for each in sorted(folder.glob(pattern))
        if each.is_file()
    }
    return Dependencies(REQUIREMENTS, lines, folder=folder, referred=referred)


def _meaningful(text: str) -> list[str]:
    joined = re.sub(r"\\\s*\n", " ", text)
    lines = (re.sub(r"(^|\s)#.*$", "", line).strip() for line in joined.splitlines())
    return [line for line in lines if line]


def _project(folder: Path) -> Dependencies | None:
    path = folder / PYPROJECT
    if not path.is_file():
        return None
    project = _toml(path, _text(path)).get("project")
    if not isinstance(project, dict) or "dependencies" not in project:
        return None  # settings of tools, or a package's name and version
    lines = _strings(path, project["dependencies"])
    lock = folder / LOCK
    constraints = _locked(lock) if lock.is_file() else ()
    return Dependencies(PYPROJECT, lines, constraints, folder, requires_python=_version(project))


def _script(folder: Path) -> Dependencies | None:
    path = folder / COMPUTE
    if not path.is_file():
        return None
    blocks = [each for each in _BLOCK.finditer(_text(path)) if each["type"] == "script"]
    if not blocks:
        return None
    if len(blocks) > 1:
        raise BatchctlError(f"could not read `{path}`: it has two blocks `# /// script`")
    content = "".join(
        line[2:] if line.startswith("# ") else line[1:]
        for line in blocks[0]["content"].splitlines(keepends=True)
    )
    found = _toml(path, content)
    if "dependencies" not in found:
        return None
    lines = _strings(path, found["dependencies"])
    return Dependencies(COMPUTE, lines, folder=folder, requires_python=_version(found))


def _locked(lock: Path) -> tuple[str, ...]:
    """Return the versions in a uv.lock; one of several is left to the resolver."""
    versions: dict[str, set[str]] = {}
    for package in _toml(lock, _text(lock)).get("package", []):
        source = package.get("source", {})
        if "version" in package and "registry" in source:
            versions.setdefault(str(package["name"]), set()).add(str(package["version"]))
    return tuple(
        f"{name}=={next(iter(found))}"
        for name, found in sorted(versions.items())
        if len(found) == 1
    )


def _version(table: Mapping[str, Any]) -> str | None:
    found = table.get("requires-python")
    return found if isinstance(found, str) else None


def _strings(path: Path, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise BatchctlError(
            f"could not read `{path}`: `dependencies` must be a list of strings",
            hint='for example `dependencies = ["numpy>=2", "httpx"]`',
        )
    return tuple(value)


def _toml(path: Path, text: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BatchctlError(f"could not read `{path}`: {error}") from error


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BatchctlError(f"could not read `{path}`: {error}") from error


def shown(lines: Sequence[str]) -> str:
    """Return requirements as one line for people."""
    return ", ".join(lines) or "none"
