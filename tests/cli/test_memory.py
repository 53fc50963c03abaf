"""Garbage collection: rare in a process of our own, untouched where the commands are a guest."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest
from click.testing import CliRunner

from batchctl.cli import main
from batchctl.cli.memory import COLLECT_AFTER

PROGRAM = """
import gc, sys
from batchctl.cli import main
sys.argv = ["batchctl", "--version"]
main(standalone_mode=False)
print(gc.get_threshold()[0], file=sys.stderr)
"""


def test_a_process_of_its_own_collects_seldom() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=True)
    assert int(ended.stderr) == COLLECT_AFTER


@pytest.mark.parametrize("arguments", [["--version"], []])
def test_commands_called_from_a_program_leave_its_collector_alone(arguments: list[str]) -> None:
    before = gc.get_threshold()
    CliRunner().invoke(main, arguments)
    assert gc.get_threshold() == before
