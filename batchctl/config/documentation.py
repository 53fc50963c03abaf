"""What people read of the settings, written from their declarations: config.yaml, docs/config.md.

    python -m batchctl.config.documentation             write both into the checkout (`make docs`)
    python -m batchctl.config.documentation --schema    print the JSON Schema, for editors

Of docs/config.md only the part between the markers is written; the prose around it is by hand.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from batchctl.config.schema import Setting, json_schema, sections, settings
from batchctl.config.settings import Config

CHECKOUT: Final = Path(__file__).parents[2]
WIDTH: Final = 100
"""Columns of a line of config.yaml at most."""
BEGIN: Final = "<!-- settings: written by `make docs` from batchctl/config/sections -->"
END: Final = "<!-- end of settings -->"
_COMMENT_COLUMN: Final = 38
_LISTED_CHOICES: Final = 6
"""Choices that a row lists; more of them stand below the table."""
_HEAD: Final = """\
# Every setting of an application, at its default. A setting that is left out, or null, has its
# default: a file needs only the lines that change something. docs/config.md says more.
"""


def template(config: Config | None = None) -> str:
    """Return config.yaml with every setting as `config` has it, and what each of them is.

    Without one, at its default.
    """
    values = {} if config is None else config.model_dump(mode="json")
    lines, descriptions, section = [_HEAD], sections(), ""
    for setting in settings():
        if len(setting.path) > 1 and setting.path[0] != section:
            section = str(setting.path[0])
            lines += ["", f"# {descriptions[section]}", f"{section}:"]
        lines.append(_line(setting, _value(values, setting)))
    return "\n".join(lines) + "\n"


def table() -> str:
    """Return the table of docs/config.md, with the choices that are too many for a row below it."""
    rows = ["| key | default | values | what it is |", "| --- | --- | --- | --- |"]
    below: dict[str, list[str]] = {}
    for setting in settings():
        row = (f"`{setting.key}`", _default(setting), _values(setting), _text(setting))
        rows.append(f"| {' | '.join(row)} |")
        if len(setting.choices) > _LISTED_CHOICES:
            below.setdefault(", ".join(map(str, setting.choices)), []).append(f"`{setting.key}`")
    notes = [f"Values of {', '.join(keys)}: {values}." for values, keys in below.items()]
    return "\n".join([*rows, *(f"\n{note}" for note in notes)])


def page(text: str) -> str:
    """Return docs/config.md, as `text` has it, with the table as it is now."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


def comment(setting: Setting) -> str:
    """Return the comment of a setting: its first paragraph, and the bounds or choices not in it."""
    text = setting.paragraphs[0].removesuffix(".")
    choices = [str(each) for each in setting.choices]
    if setting.bounds:
        return f"{text}; {setting.bounds}"
    if len(choices) > _LISTED_CHOICES or all(each in text for each in choices):
        return text
    return f"{text}; {' | '.join(choices)}"


def _value(values: Mapping[str, Any], setting: Setting) -> Any:
    """Return what a setting is, without values its default."""
    found: Any = values
    for part in setting.path if values else ():
        found = found[part]
    return found if values else setting.default


def _line(setting: Setting, value: Any) -> str:
    indent = "  " * (len(setting.path) - 1)
    pair = f"{indent}{setting.path[-1]}: {_as_yaml(value)}"
    line = f"{pair:<{_COMMENT_COLUMN - 1}} # {comment(setting)}"
    if len(line) > WIDTH and value == setting.default:
        raise ValueError(f"{setting.key}: shorten its first paragraph by {len(line) - WIDTH}")
    return line


def _as_yaml(value: Any) -> str:
    if value == "":
        return '""'
    return (
        yaml.safe_dump(value, default_flow_style=True, width=math.inf)
        .removesuffix("\n...\n")
        .strip()
    )


def _default(setting: Setting) -> str:
    text = _as_yaml(setting.default)
    return text if setting.default is None or isinstance(setting.default, int) else f"`{text}`"


def _values(setting: Setting) -> str:
    if len(setting.choices) > _LISTED_CHOICES:
        return "see below"
    if setting.choices:
        return ", ".join(f"`{each}`" for each in setting.choices)
    words = [f"`{each['const']}`" for each in setting.schema.get("anyOf", ()) if "const" in each]
    return ", ".join([*words, setting.bounds or _TYPES[setting.schema["type"]]])


def _text(setting: Setting) -> str:
    return " ".join(setting.paragraphs).replace("|", "\\|")


_TYPES: Final = {
    "array": "a list",
    "boolean": "true, false",
    "object": "a mapping",
    "string": "text",
}


def main(arguments: list[str]) -> int:
    """Write what is made from the settings, or print the JSON Schema; return the exit code."""
    if arguments == ["--schema"]:
        sys.stdout.write(json.dumps(json_schema(), indent=2) + "\n")
        return 0
    docs = CHECKOUT / "docs" / "config.md"
    if arguments or not docs.is_file():
        usage = "in a checkout: python -m batchctl.config.documentation; anywhere: … --schema"
        sys.stderr.write(f"usage, {usage}\n")
        return 2
    try:
        written = {docs: page(docs.read_text("utf-8")), CHECKOUT / "config.yaml": template()}
    except ValueError as error:
        sys.stderr.write(f"error: could not write the documentation: {error}\n")
        return 1
    for path, text in written.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
