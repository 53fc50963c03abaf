"""What `--json` prints, held against docs/schemas/v1.json, whatever a test is about."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema
from click.testing import Result

SCHEMA: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "docs" / "schemas" / "v1.json").read_text(encoding="utf-8")
)
SHAPES = {
    ("show",): "job",
    ("submit",): "job",
    ("cancel",): "job",
    ("retry",): "job",
    ("watch",): "job",
    ("jobs",): "jobs",
    ("results",): "results",
    ("logs",): "log_line",
    ("why",): "why",
    ("plan",): "plan",
    ("up",): "up",
    ("down",): "down",
    ("status",): "status_of_application",
    ("doctor",): "doctor",
    ("dead-letters",): "dead_letters",
    ("dead-letters", "show"): "dead_letters",
    ("dead-letters", "redrive"): "dead_letters_changed",
    ("dead-letters", "drop"): "dead_letters_changed",
    ("run",): "run",
    ("init",): "init",
    ("unlock",): "lock",
    ("cost",): "cost_or_nothing",
    ("events",): "events",
    ("debug-bundle",): "debug_bundle",
    ("local", "status"): "local_status",
    ("local", "env"): "local_env",
    ("local", "interrupt"): "local_interrupt",
}
"""The shape of each command's document."""
OTHERS = {
    *(("image",), ("image", "sbom"), ("curl",), ("policy",), ("completion",), ("local",)),
    *(("config", "show"), ("config", "check"), ("config", "schema"), ("man",), ("open",)),
    ("delete",),
}
"""What has a document of another's making (CycloneDX, IAM, the API's answer), or none."""
QUIET = {("local", "start"), ("local", "stop")}
"""What prints nothing on stdout when all goes well."""
LINES = {("watch",), ("logs",)}
"""What prints a document a line."""


def _closed(schema: Any) -> Any:
    """Return a schema in which an object has no fields but those that it names."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    if schema.get("type") == "object" and "properties" in schema:
        closed.setdefault("additionalProperties", False)
    return closed


CLOSED = _closed(SCHEMA)


def check_json(arguments: Sequence[str], result: Result) -> None:
    """Hold the output of a command that was asked for JSON against its schema."""
    words = tuple(word for word in arguments if not word.startswith("-"))
    command = next((words[:n] for n in (2, 1) if words[:n] in {*SHAPES, *OTHERS, *QUIET}), None)
    if "--json" not in arguments or command in {None, *OTHERS}:
        return
    assert command is not None
    documents = result.stdout.splitlines() if command in LINES else [result.stdout]
    assert result.exit_code == 0 or any(documents), "an error is JSON, too"
    for document in filter(None, documents):
        content = json.loads(document)
        failed = command != ("down",) and isinstance(content, dict) and "error" in content
        shape = "estimate" if "--estimate" in arguments else SHAPES[command]
        check(content, "failed" if failed and "status" not in content else shape)


def check(content: object, shape: str) -> None:
    """Raise ValidationError unless a document has the shape of that name."""
    schema = {**CLOSED, "$ref": f"#/$defs/{shape}"}
    jsonschema.Draft202012Validator(schema).validate(content)
