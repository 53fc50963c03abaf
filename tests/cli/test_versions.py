"""Which batchctl may be used: what config.yaml asks for, and never one that is too old."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from calls import Calls
from click.testing import Result

from batchctl import __version__

Batchctl = Callable[..., Result]
IMAGE = "compute: {image: 'x:1'}\n"
STATE = Path(".batchctl") / "batchapp.state.json"


@pytest.mark.parametrize("command", [("plan",), ("jobs",), ("down", "--yes")])
def test_another_version_than_config_yaml_asks_for_is_refused_before_its_keys_are_read(
    batchctl: Batchctl, folder: Path, command: tuple[str, ...]
) -> None:
    (folder / "config.yaml").write_text("name: risk\nrequires: '>=99'\na_key_of_tomorrow: 1\n")
    refused = batchctl(*command)
    assert refused.exit_code == 2
    assert "config.yaml:2: requires: must be batchctl >=99" in refused.stderr
    assert "`pip install 'batchctl>=99'`" in refused.stderr


def test_what_is_no_version_is_named_with_its_line(batchctl: Batchctl, folder: Path) -> None:
    (folder / "config.yaml").write_text("name: risk\nrequires: newest\n")
    assert "config.yaml:2: requires: must be versions such as" in batchctl("plan").stderr


@pytest.mark.usefixtures("account")
def test_an_older_batchctl_does_not_downgrade_unless_told_to(
    batchctl: Batchctl, calls: Calls, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "config.yaml").write_text(f"requires: '>=0.1'\n{IMAGE}")
    assert batchctl("up", "--yes").exit_code == 0
    state = json.loads(STATE.read_text())
    assert state["version"] == __version__
    STATE.write_text(json.dumps({**state, "version": "99.1"}))
    calls.made.clear()
    refused = batchctl("up", "--yes")
    assert refused.exit_code == 2
    assert "`batchapp` was built by 99.1" in refused.stderr
    assert "WARNING: batchctl 99.1 built it" in batchctl("plan").stderr
    assert calls.writes == []
    assert batchctl("up", "--yes", "--downgrade").exit_code == 0
    assert json.loads(STATE.read_text())["version"] == __version__
    # Without a state JobTracker says it.
    STATE.unlink()
    (folder / "config.yaml").write_text(IMAGE)
    monkeypatch.setattr("batchctl.versions.__version__", "0.0.1")
    unknown = batchctl("up", "--yes", "--adopt")
    assert unknown.exit_code == 2
    assert f"was built by {__version__}" in unknown.stderr
