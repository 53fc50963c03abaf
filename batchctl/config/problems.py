"""What is wrong with settings, in our words: pydantic's errors and broken rules as `Problem`s."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic_core import PydanticCustomError

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

Path = tuple[str | int, ...]
"""The way to a setting: `("api", "allowed_cidrs", 0)`."""

_LONGEST_SHOWN = 80


@dataclass(frozen=True)
class Problem:
    """What is wrong at `path`; `related` are the other settings that the rule concerns."""

    path: Path
    text: str
    related: tuple[Path, ...] = ()

    def __str__(self) -> str:
        """Name the key, then the rule, as in "api.port: must be at least 1, is 0"."""
        return f"{dotted(self.path)}: {self.text}" if self.path else self.text


def dotted(path: Path) -> str:
    """Spell a path as people write it: `api.allowed_cidrs[0]`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{shown(part)}" for part in path)
    return text.removeprefix(".")


def shown(value: object) -> str:
    """Write a value so that it fits a message of one line: escaped if need be, and shortened."""
    text = str(value)
    text = text if text.isprintable() else repr(text)[1:-1]
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def conflict(problems: Iterable[Problem]) -> PydanticCustomError:
    """Make the error that carries problems of rules between settings through pydantic."""
    found = tuple(problems)
    summary = "; ".join(str(problem) for problem in found)
    return PydanticCustomError("conflict", "{summary}", {"summary": summary, "problems": found})


def problems_of(
    error: ValidationError,
    known: Collection[Path] = (),
    written: Mapping[Path, str] | None = None,
) -> list[Problem]:
    """List every problem of a pydantic error.

    `known` are the paths of all settings, for suggestions; `written` has each value as the file
    spells it, which differs from what YAML makes of it.
    """
    problems: list[Problem] = []
    for details in error.errors(include_url=False):
        if details["type"] == "conflict":
            problems.extend(details["ctx"]["problems"])
            continue
        path = tuple(part for part in details["loc"] if part != "[key]")
        problems.append(Problem(path, _text(details, path, known, written or {})))
    return problems


def _text(
    details: ErrorDetails, path: Path, known: Collection[Path], written: Mapping[Path, str]
) -> str:
    if details["type"] == "extra_forbidden":
        return "unknown key" + _suggestion(path, known)
    value = details["input"]
    spelled = shown(written.get(path, value))
    if details["type"] in _TYPES:
        return (
            f"must be {_TYPES[details['type']]}, is {_described(value, spelled, details['type'])}"
        )
    if details["type"] in _BOUNDS:
        rule, key = _BOUNDS[details["type"]]
        return f"{rule.format(details['ctx'][key])}, {_measured(value, spelled)}"
    if details["type"] == "literal_error":
        return _choice(details["ctx"]["expected"], value, spelled)
    return details["msg"]


_TYPES = {
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "dict_type": "a mapping of keys to values",
    "mapping_type": "a mapping of keys to values",
    "model_type": "a group of settings",
    "string_type": "text",
    "tuple_type": "a list (`[A, B]`)",
}
_BOUNDS = {
    "greater_than_equal": ("must be at least {}", "ge"),
    "less_than_equal": ("must be at most {}", "le"),
    "too_long": ("must have at most {} entries", "max_length"),
    "string_too_long": ("must have at most {} characters", "max_length"),
}


def _described(value: object, spelled: str, error_type: str) -> str:
    text_wanted = error_type == "string_type"
    if isinstance(value, bool):
        return _quoted(f"`{spelled}`, which YAML reads as a boolean", needed=text_wanted)
    if isinstance(value, int | float):
        return _quoted(f"the number `{spelled}`", needed=text_wanted)
    if isinstance(value, str):
        unquote = error_type == "int_type" and value.isdecimal()
        return f"the text `{spelled}`" + (": remove the quotes" if unquote else "")
    return "a list" if isinstance(value, list | tuple) else "a mapping"


def _quoted(text: str, *, needed: bool) -> str:
    return f"{text}: put it in quotes" if needed else text


def _measured(value: object, spelled: str) -> str:
    if isinstance(value, str):
        return f"has {len(value)}"
    return f"has {len(value)}" if isinstance(value, list | tuple | dict) else f"is {spelled}"


def _choice(expected: str, value: object, spelled: str) -> str:
    text = f"must be {expected.replace(chr(39), '`')}, is `{spelled}`"
    return f"{text}, which YAML reads as a boolean" if isinstance(value, bool) else text


def _suggestion(path: Path, known: Collection[Path]) -> str:
    key, section = str(path[-1]), path[:-1]
    siblings = [str(other[-1]) for other in known if other[:-1] == section]
    if near := difflib.get_close_matches(key, siblings, n=1, cutoff=0.7):
        return f", did you mean `{near[0]}`?"
    elsewhere = {str(other[-1]): other for other in reversed(tuple(known))}
    if near := difflib.get_close_matches(key, elsewhere, n=1):
        return f", did you mean `{dotted(elsewhere[near[0]])}`?"
    return f"; known here: {', '.join(siblings)}" if siblings else ""
