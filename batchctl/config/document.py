"""config.yaml as YAML: plain data, with the line and the spelling of every key and value.

YAML 1.1 has traps that lose what was meant: a key that stands twice, `010` read as 8, `12:30` as
750. They are problems here, before any rule is checked. Dates are taken as the text they are.

A file can't use up the machine: aliases are never expanded (each is a problem), and a document with
too many values, or nested too deeply, is refused while it is composed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import yaml

from batchctl.config.problems import Path, Problem, shown

MAX_VALUES: Final = 10_000
"""Keys and values of a document at most; all settings need a tenth of that."""
MAX_DEPTH: Final = 20
"""Levels of nesting at most; no setting needs more than four."""
LONGEST_NUMBER: Final = 100
"""Characters of a number at most for an error to say how YAML reads it."""


class TooMuchError(yaml.MarkedYAMLError):
    """The document has more values, or more levels, than any config.yaml needs."""


@dataclass(frozen=True)
class Document:
    """What a file says (`data`: dicts, lists, text, numbers, booleans, None), and in which line."""

    data: object
    lines: Mapping[Path, int]
    written: Mapping[Path, str]
    problems: tuple[Problem, ...]

    def line_of(self, problem: Problem) -> int:
        """Find the line of the problem's key, else of a key related to it, else of its section."""
        for path in (problem.path, *problem.related):
            if path in self.lines:
                return self.lines[path]
        sections = (problem.path[:end] for end in range(len(problem.path) - 1, 0, -1))
        return next((self.lines[path] for path in sections if path in self.lines), 1)


def parse(content: bytes) -> Document:
    """Read YAML; an empty file has the data None.

    Raises `yaml.YAMLError` for what isn't YAML, has too many values or is nested too deeply.
    """
    root = yaml.compose(content, Loader=_BoundedLoader)
    walk = _Walk()
    data = None if root is None else walk.value((), root)
    return Document(data, walk.lines, walk.written, tuple(walk.problems))


class _BoundedLoader(yaml.SafeLoader):
    """PyYAML's, with an end to the number of values and to their nesting."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self._values = 0
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Compose a value and all in it; TooMuchError beyond the bounds."""
        self._values += 1
        self._depth += 1
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        if self._values > MAX_VALUES:
            raise TooMuchError(
                problem=f"must have at most {MAX_VALUES:,} values", problem_mark=mark
            )
        if self._depth > MAX_DEPTH:
            why = f"must not be nested deeper than {MAX_DEPTH} levels"
            raise TooMuchError(problem=why, problem_mark=mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


class _Walk:
    """One walk over the nodes of a document, with what it found on its way."""

    def __init__(self) -> None:
        self.lines: dict[Path, int] = {}
        self.written: dict[Path, str] = {}
        self.problems: list[Problem] = []
        self._seen: set[int] = set()

    def value(self, path: Path, node: yaml.Node) -> object:
        self.lines.setdefault(path, node.start_mark.line + 1)
        if id(node) in self._seen:
            self._refuse(path, "must not be an alias (`*`): write the value out")
            return None
        self._seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(path, node)
        if isinstance(node, yaml.SequenceNode):
            return [self.value((*path, index), item) for index, item in enumerate(node.value)]
        return self._scalar(path, node)

    def _mapping(self, path: Path, node: yaml.MappingNode) -> dict[str, object]:
        mapping: dict[str, object] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._refuse(path, "must have keys that are plain text")
                continue
            key, line = str(key_node.value), key_node.start_mark.line + 1
            if key in mapping:
                self._refuse((*path, key), f"stands twice: line {line} has it again")
                continue
            self.lines[*path, key] = line
            mapping[key] = self.value((*path, key), value_node)
        return mapping

    def _scalar(self, path: Path, node: yaml.Node) -> object:
        text = str(node.value)
        self.written[path] = text
        read = _READERS.get(node.tag.removeprefix(_YAML))
        if read is None:
            self._refuse(path, f"must not have the YAML tag `{node.tag}`")
            return None
        try:
            return read(text)
        except ValueError as error:
            self._refuse(path, str(error))
            return None

    def _refuse(self, path: Path, text: str) -> None:
        self.problems.append(Problem(path, text))


_YAML = "tag:yaml.org,2002:"


def _integer(text: str) -> int:
    if re.fullmatch(r"[-+]?(0|[1-9][0-9]{0,17})", text):
        return int(text)
    try:
        # PyYAML works on one in base 60 (`1:1:…`) for minutes when it is long enough.
        number = f" as {shown(yaml.safe_load(text))}" if len(text) <= LONGEST_NUMBER else " wrongly"
    except (yaml.YAMLError, ValueError):  # not a number at all, under the tag `!!int`
        number = " wrongly"
    raise ValueError(
        f"must be spelled plainly: YAML reads `{shown(text)}`{number}; "
        "write the number in decimal digits, or text in quotes"
    )


def _number(text: str) -> float | str:
    try:
        return float(text.replace("_", ""))
    except ValueError:  # `.inf`, `1:30.5`: no setting is one
        return text


_READERS: Mapping[str, Callable[[str], object]] = {
    "str": str,
    "int": _integer,
    "float": _number,
    "bool": lambda text: text.lower() in {"yes", "true", "on"},
    "null": lambda _text: None,
    "timestamp": str,
    "value": str,
    "merge": str,
}
