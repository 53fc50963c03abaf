"""What an ignore file keeps out of a build context.

Which file that is doesn't depend on the builder: the first of `IGNORE_FILES` that is there, as
BuildKit prefers the Dockerfile's own (Docker documentation, "Build context") and podman its
`.containerignore` (podman-build(1)). The rules are Docker's (ibid., ".dockerignore files"): a
pattern is of the context's root, `*` and `?` stay within one folder, `**` is any number of folders,
`!` takes back in, the last pattern that matches decides, and what lies in a folder goes with it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from batchctl.errors import BatchctlError

IGNORE_FILES = ("Dockerfile.dockerignore", ".containerignore", ".dockerignore")


@dataclass(frozen=True)
class Pattern:
    """One line of an ignore file."""

    expression: re.Pattern[str]
    takes_back: bool

    def matches(self, path: str) -> bool:
        """Whether it names the path (`a/b/c`), or a folder above it."""
        parts = path.split("/")
        above = ("/".join(parts[:count]) for count in range(len(parts), 0, -1))
        return any(self.expression.fullmatch(each) for each in above)


@dataclass(frozen=True)
class Ignore:
    """All of an ignore file, in its order."""

    patterns: tuple[Pattern, ...]

    def keeps_out(self, path: str) -> bool:
        """Whether a path of the context (`a/b/c`) stays out of it."""
        matching = [each for each in self.patterns if each.matches(path)]
        return bool(matching) and not matching[-1].takes_back

    def keeps_out_all_of(self, folder: str) -> bool:
        """Whether a folder stays out with everything in it, so that nobody need look into it."""
        return self.keeps_out(folder) and not any(each.takes_back for each in self.patterns)


def read_ignore(folder: Path) -> Ignore:
    """Return what the ignore file of a folder says; nothing is kept out where there is none."""
    for path in (folder / name for name in IGNORE_FILES):
        if path.is_file():
            return parse(_lines(path))
    return parse([])


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise BatchctlError(
            f"could not read the ignore file `{path}`: it is not text in UTF-8",
            hint="save it as UTF-8 (a shell of Windows may have written it as UTF-16)",
        ) from error


def parse(lines: Iterable[str]) -> Ignore:
    """Return the patterns of the lines, without comments and empty lines."""
    texts = (line.strip() for line in lines if not line.startswith("#"))
    return Ignore(tuple(_pattern(text) for text in texts if text.lstrip("!").strip()))


def _pattern(text: str) -> Pattern:
    takes_back = text.startswith("!")
    path = posixpath.normpath(text.removeprefix("!").strip()).lstrip("/")
    try:
        return Pattern(re.compile(_expression(path)), takes_back)
    except re.error as error:
        raise BatchctlError(
            f"could not read the ignore file: `{text}` is no pattern: {error}"
        ) from error


# A wildcard, a class of characters, an escaped character, or any other character.
_TOKEN = re.compile(r"\*\*/|\*\*|\*|\?|\[\^?[^\]]+\]|\\.|.", re.DOTALL)
_WILDCARDS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def _expression(path: str) -> str:
    return "".join(_WILDCARDS.get(token) or _literal(token) for token in _TOKEN.findall(path))


def _literal(token: str) -> str:
    if token.startswith("[") and token.endswith("]"):
        return token
    return re.escape(token.removeprefix("\\") or token)
