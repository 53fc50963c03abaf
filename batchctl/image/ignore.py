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
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from batchctl.errors import BatchctlError

IGNORE_FILES = ("Dockerfile.dockerignore", ".containerignore", ".dockerignore")


Parts = tuple[re.Pattern[str] | None, ...]
"""For each part of a path what a name must be; None is any number of folders."""

_MOST_WITHIN = 2
"""`a**b` is `a*b` or `a*/**/b`: each doubles what a pattern stands for."""


@dataclass(frozen=True)
class Pattern:
    """One line of an ignore file: it matches what one of its alternatives matches."""

    alternatives: tuple[Parts, ...]
    takes_back: bool

    def matches(self, path: str) -> bool:
        """Whether it names the path (`a/b/c`), or a folder above it."""
        names = path.split("/")
        return any(_matches(parts, names) for parts in self.alternatives)


def _matches(parts: Parts, names: Sequence[str]) -> bool:
    """Whether parts match the names, or the first of them: in steps of both lengths at most."""
    reached = _past_any(parts, {0})
    for name in names:
        reached = _past_any(parts, set(_after(parts, reached, name)))
        if len(parts) in reached:
            return True
    return False


def _after(parts: Parts, reached: set[int], name: str) -> Iterator[int]:
    """Yield where a pattern has come to with one more name."""
    for at in reached:
        part = parts[at]
        if part is None:
            yield at
        elif part.fullmatch(name):
            yield at + 1


def _past_any(parts: Parts, reached: set[int]) -> set[int]:
    """Return where it can go on from without a name: any number of folders may be none."""
    found = set(reached)
    for at, part in enumerate(parts):
        if part is None and at in found:
            found.add(at + 1)
    return found


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
        return Pattern(tuple(_parts(each) for each in _paths(path)), takes_back)
    except re.error as error:
        raise BatchctlError(
            f"could not read the ignore file: `{text}` is no pattern: {error}"
        ) from error


def _paths(path: str) -> Iterator[str]:
    """Yield the paths without `**` within a name that a pattern stands for."""
    within = [each.span() for each in _WITHIN.finditer(path)]
    if len(within) > _MOST_WITHIN:
        raise re.error(f"more than {_MOST_WITHIN} times `**` within a name")
    if not within:
        yield path
        return
    start, end = within[0]
    for instead in ("*", "*/**/"):
        yield from _paths(path[:start] + instead + path[end:])


def _parts(path: str) -> Parts:
    parts = [None if each == "**" else re.compile(_expression(each)) for each in path.split("/")]
    # What lies in a folder is something: `a/**` isn't `a`.
    return (*parts, re.compile("(?s:.*)")) if parts[-1] is None else tuple(parts)


# Two stars or more beside something else of a name.
_WITHIN = re.compile(r"(?<=[^/*])\*\*+|(?<![^/])\*\*+(?=[^/*])")
# Stars, a class of characters, an escaped character, or any other character.
_TOKEN = re.compile(r"\*+|\?|\[\^?[^\]]+\]|\\.|.", re.DOTALL)


def _expression(part: str) -> str:
    """Return a part of a pattern as a regular expression that never goes back beyond a star.

    What stands between two stars is taken where it first occurs: what the second star stands for
    may be anything, so that a later place could do no better.
    """
    pieces: list[str] = [""]
    for token in _TOKEN.findall(part):
        if token.startswith("*"):
            pieces.append("")
        else:
            pieces[-1] += _literal(token)
    if len(pieces) == 1:
        return f"(?s:{pieces[0]})"
    first, *middle, last = pieces
    between = "".join(f"(?>.*?{each})" for each in middle if each)
    return f"(?s:{first}{between}.*{last})"


def _literal(token: str) -> str:
    if token[:1] == "?":
        return "."
    if token.startswith("[") and token.endswith("]"):
        return token
    return re.escape(token.removeprefix("\\") or token)
