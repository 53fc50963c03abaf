"""What people read of the settings is what the declarations say: config.yaml, docs, JSON Schema."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from batchctl.config import documentation, json_schema
from batchctl.config.schema import Setting, settings

REPOSITORY = Path(__file__).parents[1]
PAGE = REPOSITORY / "docs" / "config.md"
OUTDATED = "outdated: run `make docs`"


def test_config_yaml_is_what_the_settings_say() -> None:
    written = (REPOSITORY / "config.yaml").read_text(encoding="utf-8")
    assert written == documentation.template(), OUTDATED


def test_the_table_of_the_docs_is_what_the_settings_say() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written == documentation.page(written), OUTDATED


def test_the_prose_around_the_table_stays() -> None:
    marked = f"before\n{documentation.BEGIN}\nold table\n{documentation.END}\nafter\n"
    page = documentation.page(marked)
    assert page.startswith(f"before\n{documentation.BEGIN}\n\n| key | default |")
    assert page.endswith(f"\n\n{documentation.END}\nafter\n")
    assert "old table" not in page


def test_no_comment_repeats_the_bounds_or_choices_that_are_added_to_it() -> None:
    for setting in settings():
        first = setting.paragraphs[0]
        assert not setting.bounds or setting.bounds not in first, setting.key


@pytest.mark.parametrize(
    ("description", "schema", "comment"),
    [
        ("Port.", {"minimum": 1, "maximum": 9}, "Port; 1 to 9"),
        ("Memory.", {"minimum": 4}, "Memory; 4 or more"),
        ("Processor.", {"enum": ["arm64", "x86_64"]}, "Processor; arm64 | x86_64"),
        ("arm64, else x86_64.", {"enum": ["arm64", "x86_64"]}, "arm64, else x86_64"),
        ("Days.", {"enum": list(range(7))}, "Days"),
    ],
)
def test_a_comment_has_what_the_type_says_and_the_text_does_not(
    description: str, schema: dict[str, object], comment: str
) -> None:
    assert documentation.comment(Setting(("a",), 1, (description, "More."), schema)) == comment


def test_the_schema_has_the_whole_description_without_the_links_of_the_docs() -> None:
    properties = json_schema()["$defs"]["JobTable"]["properties"]
    assert properties["keep_days"]["description"] == (
        "Days to keep a job after its end; null: forever. "
        'See "How long jobs are kept" in docs/config.md.'
    )
    assert "](#" not in json.dumps(json_schema())
    assert ".md#" not in json.dumps(json_schema())


def test_the_command_prints_the_schema_for_editors() -> None:
    command = [sys.executable, "-m", "batchctl.config.documentation", "--schema"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=REPOSITORY)
    assert json.loads(done.stdout) == json_schema()


def test_the_command_writes_what_is_outdated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documentation, "CHECKOUT", tmp_path)
    (tmp_path / "docs").mkdir()
    page = tmp_path / "docs" / "config.md"
    page.write_text(f"{documentation.BEGIN}\n{documentation.END}\n", encoding="utf-8")
    assert documentation.main([]) == 0
    assert "| `compute.tries` | 3 | 1 to 10 |" in page.read_text(encoding="utf-8")
    assert "  tries: 3  " in (tmp_path / "config.yaml").read_text(encoding="utf-8")


def test_outside_a_checkout_the_command_says_how_it_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(documentation, "CHECKOUT", tmp_path)
    assert documentation.main([]) == 2
    assert "--schema" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
