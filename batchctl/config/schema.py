"""The settings as data: their paths, the JSON Schema for editors, and what the docs say of each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from batchctl.config.problems import Path, dotted
from batchctl.config.settings import Config

_LINK = re.compile(r"\[([^\]]+)\]\(([^)#]*)#[^)]*\)")


@dataclass(frozen=True)
class Setting:
    """One setting: where it stands, its default, its description in paragraphs, its JSON Schema."""

    path: Path
    default: Any
    paragraphs: tuple[str, ...]
    schema: Mapping[str, Any]

    @property
    def key(self) -> str:
        """The path as people write it: `api.port`."""
        return dotted(self.path)

    @property
    def choices(self) -> tuple[Any, ...]:
        """The values that it can have; none when they are too many to list, or are bounded only."""
        return tuple(self.schema.get("enum", ()))

    @property
    def bounds(self) -> str:
        """The least and the greatest number in words; empty where there are none."""
        least, most = self.schema.get("minimum"), self.schema.get("maximum")
        if least is None:
            return ""
        return f"{least} or more" if most is None else f"{least} to {most}"


def key_paths(section: type[BaseModel] = Config, above: Path = ()) -> tuple[Path, ...]:
    """List the path of every section and setting, in the order of their definition."""
    paths: list[Path] = []
    for name, field in section.model_fields.items():
        paths.append((*above, name))
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            paths.extend(key_paths(field.annotation, (*above, name)))
    return tuple(paths)


def sections() -> Mapping[str, str]:
    """Return the description of every section by its name."""
    schema = Config.model_json_schema()
    return {
        name: _section_of(node, schema)["description"]
        for name, node in schema["properties"].items()
        if "$ref" in node
    }


def settings() -> Iterator[Setting]:
    """Yield every setting, in the order of their definition."""
    schema, defaults = Config.model_json_schema(), Config().model_dump(mode="json")
    for name, node in schema["properties"].items():
        if "$ref" not in node:
            yield _setting((name,), node, defaults[name])
            continue
        for key, inner in _section_of(node, schema)["properties"].items():
            yield _setting((name, key), inner, defaults[name][key])


def json_schema() -> dict[str, Any]:
    """Make the JSON Schema (2020-12) of config.yaml, for editors that complete and check it."""
    schema: dict[str, Any] = _plain(Config.model_json_schema())
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "config.yaml of batchctl",
    }


def _section_of(node: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = schema["$defs"][node["$ref"].removeprefix("#/$defs/")]
    return found


def _setting(path: Path, node: Mapping[str, Any], default: Any) -> Setting:
    not_null = [each for each in node.get("anyOf", ()) if each != {"type": "null"}]
    paragraphs = [" ".join(each.split()) for each in node["description"].split("\n\n")]
    return Setting(path, default, tuple(paragraphs), {**node, **(not_null or [{}])[0]})


def _plain(node: Any) -> Any:
    """Return a part of the schema with each description in one line, and links as editors show."""
    if isinstance(node, list):
        return [_plain(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _in_one_line(value)
        if key == "description" and isinstance(value, str)
        else _plain(value)
        for key, value in node.items()
    }


def _in_one_line(description: str) -> str:
    text = " ".join(description.split())
    return _LINK.sub(lambda link: f'"{link[1]}" in docs/{link[2] or "config.md"}', text)
