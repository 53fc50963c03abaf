"""Settings that were renamed: a file with an old name works, and its user learns the new one."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final

from batchctl.config.document import Document
from batchctl.config.problems import Path, Problem, dotted, shown

RENAMED: Final[Mapping[Path, Path]] = {("compute", "retries"): ("compute", "tries")}
"""The new path of each setting by its old one, in the same section."""


def with_new_names(document: Document) -> tuple[Document, tuple[Problem, ...]]:
    """Return the document with renamed settings under their new names, and a warning for each.

    A warning's path is the old one, so that its line can be found. Both names at once are a problem
    of the document.
    """
    warnings: list[Problem] = []
    for old, new in RENAMED.items():
        section = _section(document, old)
        if old[-1] not in section:
            continue
        if new[-1] in section:
            text = f"is the old name of `{dotted(new)}`, which is set as well: delete one of them"
            document = _without(document, old, Problem(old, text))
            continue
        written = shown(document.written.get(old, "…"))
        text = f"this setting is now called `{dotted(new)}`: write `{new[-1]}: {written}`"
        warnings.append(Problem(old, text))
        document = _moved(document, old, new)
    return document, tuple(warnings)


def _section(document: Document, path: Path) -> Mapping[str, Any]:
    inner: Any = document.data
    for part in path[:-1]:
        inner = inner.get(part) if isinstance(inner, dict) else None
    return inner if isinstance(inner, dict) else {}


def _without(document: Document, path: Path, problem: Problem) -> Document:
    data: Any = deepcopy(document.data)
    del data[path[0]][path[1]]
    return dataclasses.replace(document, data=data, problems=(*document.problems, problem))


def _moved(document: Document, old: Path, new: Path) -> Document:
    """Put the value, and what is known of its spelling, under the new name."""
    data: Any = deepcopy(document.data)
    data[new[0]][new[1]] = data[old[0]].pop(old[1])
    lines, written = dict(document.lines), dict(document.written)
    lines[new] = lines[old]
    if old in written:
        written[new] = written[old]
    return dataclasses.replace(document, data=data, lines=lines, written=written)
