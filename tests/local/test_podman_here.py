"""The tests that need containers skip where none can run, and say why."""

from __future__ import annotations

from pathlib import Path

import pytest
from podman_here import missing, temporary_podman

PODMAN = """#!/bin/sh
case "$*" in *" run "*) echo "runc: mount denied" >&2; exit 126;; esac
"""


@pytest.mark.skipif(bool(missing(["ldd"])), reason="not installed: ldd")
def test_where_podman_runs_no_container_the_test_skips_in_podmans_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "podman").write_text(PODMAN)
    (tmp_path / "podman").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    refused = pytest.raises(pytest.skip.Exception, match=r"can't run: runc: mount denied$")
    with refused, temporary_podman():
        pytest.fail("it runs no container")
