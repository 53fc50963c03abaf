"""config.yaml -> Config: every problem is reported at once, each with its file and line."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from batchctl.config.document import Document, TooMuchError, parse
from batchctl.config.problems import Path as KeyPath
from batchctl.config.problems import Problem, problems_of
from batchctl.config.renamed import with_new_names
from batchctl.config.schema import key_paths
from batchctl.config.settings import Config
from batchctl.errors import UsageError
from batchctl.versions import is_specifier, require_version

MAX_BYTES: Final = 1_000_000
"""Size of config.yaml at most: it is refused before it is parsed."""
MAX_LINES: Final = 100
"""Problems that a report lists at most."""


def ignore_warning(text: str) -> None:
    """Warn nobody."""
    del text


def load(
    path: Path,
    front_door: Callable[[str], Mapping[str, str]] | None = None,
    warn: Callable[[str], None] = ignore_warning,
) -> Config:
    """Read the settings of the file at `path`, all others at their defaults.

    `front_door` returns, for the application's name, the `api` settings (`mode`, `auth`) that
    override the file's; rules between settings are checked with these. `warn` gets a line
    `FILE:LINE: KEY: TEXT` for each setting that has been renamed.

    Raises UsageError: the file can't be read, isn't YAML, or breaks rules; then the message has a
    line `FILE:LINE: KEY: RULE` for each of them, in the order of the file.
    """
    document, warnings = with_new_names(_document(path))
    if document.data is not None and not isinstance(document.data, dict):
        raise UsageError(f"{path}:{document.lines[()]}: must be keys and values (`name: value`)")
    _require_version(path, document)
    chosen = {} if front_door is None else front_door(_name(document))
    config, problems = _check(document, chosen)
    if problems or config is None:
        raise UsageError(_report(path, document, problems))
    for warning in warnings:
        warn(f"{path}:{document.line_of(warning)}: {warning}")
    return config


def load_with_flags(
    path: Path,
    api_mode: str | None,
    auth: str | None,
    warn: Callable[[str], None] = ignore_warning,
) -> Config:
    """Read the settings with the flags of `up`, where None is a flag that wasn't given.

    `warn` is as in `load`. Raises UsageError as `load` does; when the file is valid without the
    flags, the error names them.
    """
    flags = {"mode": api_mode, "auth": auth}
    given = {key: value for key, value in flags.items() if value is not None}
    try:
        return load(path, lambda _: given, warn)
    except UsageError as error:
        try:
            alone = load(path)
        except UsageError:
            raise error from None
        return alone.with_flags(api_mode, auth)


def _where_else(path: Path) -> str:
    """Say where the file is: in a folder above this one, or nowhere yet."""
    for above in Path.cwd().parents if len(path.parts) == 1 else ():
        if (above / path).is_file():
            return f"`{above}` has one: run the command there, or pass `--config {above / path}`"
    return "run `batchctl init` to write one, or name yours with `--config FILE`"


def _document(path: Path) -> Document:
    try:
        return parse(_content(path))
    except FileNotFoundError:
        raise UsageError(
            f"could not read `{path}`: there is no such file",
            hint=_where_else(path),
        ) from None
    except OSError as error:
        raise UsageError(f"could not read `{path}`: {error.strerror}") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        why = ", ".join(text for text in (error.context, error.problem) if text)
        kind = "" if isinstance(error, TooMuchError) else "is not valid YAML: "
        raise UsageError(f"{path}:{line}: {kind}{why}") from error
    except yaml.YAMLError as error:
        why = getattr(error, "reason", "it can't be read")
        raise UsageError(f"{path}:1: is not valid YAML in UTF-8: {why}") from error


def _content(path: Path) -> bytes:
    """Read a regular file of at most MAX_BYTES; UsageError for any other.

    Nothing waits for a pipe's other end, and no device is read.
    """
    kind = path.stat().st_mode
    if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):  # the system names a folder itself
        raise UsageError(f"could not read `{path}`: it is not a regular file")
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise UsageError(f"could not read `{path}`: it has more than {MAX_BYTES:,} bytes")
    return content


def _require_version(path: Path, document: Document) -> None:
    """Raise UsageError for a file that asks for another batchctl: its keys may be others, too."""
    wanted = document.data.get("requires") if isinstance(document.data, dict) else None
    if isinstance(wanted, str) and is_specifier(wanted):
        require_version(f"{path}:{document.lines.get(('requires',), 1)}", wanted)


def _name(document: Document) -> str:
    """Return the application's name if the file has one, else the default."""
    name = document.data.get("name") if isinstance(document.data, dict) else None
    return name if isinstance(name, str) else Config().name


def _check(
    document: Document, front_door: Mapping[str, str]
) -> tuple[Config | None, list[Problem]]:
    """Validate; the config, if there is one, and the problems.

    pydantic checks rules between settings only when every single setting is valid. So what is wrong
    is reset to its default and the rest is checked again, until that finds nothing new.
    """
    data: dict[str, Any] = deepcopy(document.data) if isinstance(document.data, dict) else {}
    if front_door and isinstance(data.setdefault("api", {}) or {}, dict):
        data["api"] = {**(data["api"] or {}), **front_door}
    problems, wrong = list(document.problems), [_replaceable(p.path) for p in document.problems]
    while True:
        for path in wrong:
            _reset(data, path)
        config, found = _validated(data, document)
        fresh = [problem for problem in found if not _involves(problem, wrong)]
        if not fresh:
            return config, problems
        problems += fresh
        wrong += [_replaceable(problem.path) for problem in fresh]


def _validated(data: dict[str, Any], document: Document) -> tuple[Config | None, list[Problem]]:
    try:
        return Config.model_validate(data), []
    except ValidationError as error:
        return None, problems_of(error, key_paths(), document.written)


def _replaceable(path: KeyPath) -> KeyPath:
    """Cut the path of an entry of a list down to the list's: the setting itself."""
    return tuple(takewhile(lambda part: isinstance(part, str), path))


def _reset(data: dict[str, Any], path: KeyPath) -> None:
    inner: Any = data
    for part in path[:-1]:
        inner = inner.get(part) if isinstance(inner, dict) else None
    if isinstance(inner, dict) and path:
        inner.pop(path[-1], None)


def _involves(problem: Problem, wrong: Iterable[KeyPath]) -> bool:
    paths = (problem.path, *problem.related)
    return any(path[: len(bad)] == bad for bad in wrong for path in paths)


def _report(path: Path, document: Document, problems: Iterable[Problem]) -> str:
    numbered = sorted((document.line_of(problem), str(problem)) for problem in problems)
    lines = [f"{path}:{line}: {text}" for line, text in numbered]
    more = len(lines) - MAX_LINES
    return "\n".join([*lines[:MAX_LINES], *([f"… and {more} more"] if more > 0 else [])])
