"""`config` shows all settings as they are in force, checks them, and has their schema."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

from batchctl.config import load
from batchctl.packaging import config_template

Batchctl = Callable[..., Result]


def test_show_is_a_config_yaml_of_all_settings_as_they_are_in_force(
    batchctl: Batchctl, folder: Path
) -> None:
    path = folder / "config.yaml"
    path.write_text("name: risk\ncompute: {memory_mib: [1024, 4096]}\ntags: {team: a long name}\n")
    shown = batchctl("config", "show")
    (folder / "all.yaml").write_text(shown.stdout)
    assert load(folder / "all.yaml") == load(path)
    assert shown.stdout.count("\n") == config_template().read_text().count("\n")


def test_the_defaults_are_the_template(batchctl: Batchctl, folder: Path) -> None:
    (folder / "config.yaml").write_text("name: risk\n")
    assert batchctl("config", "show", "--defaults").stdout == config_template().read_text()


def test_check_names_all_that_is_wrong_by_its_line(batchctl: Batchctl, folder: Path) -> None:
    assert batchctl("config", "check").stdout == "config.yaml is valid: application `batchapp`\n"
    (folder / "config.yaml").write_text("name: X\ncompute: {vcpu: 1}\n")
    refused = batchctl("config", "check")
    assert refused.exit_code == 2
    assert "config.yaml:1:" in refused.stderr
    assert "config.yaml:2:" in refused.stderr


def test_the_schema_is_for_editors(batchctl: Batchctl) -> None:
    assert "compute" in json.loads(batchctl("config", "schema").stdout)["properties"]
