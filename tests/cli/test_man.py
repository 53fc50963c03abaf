"""The manual page has the help of every command, in roff that nothing in it breaks."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable

import click
import pytest
from click.testing import Result

from batchctl.cli import HELP
from batchctl.cli.manual import manual_page

Batchctl = Callable[..., Result]


def test_the_page_has_every_command_with_its_options_and_examples(batchctl: Batchctl) -> None:
    page = batchctl("man").stdout
    assert page.startswith('.TH BATCHCTL 1 ""')
    for name in HELP:
        assert f".SS batchctl {name.replace('-', chr(92) + '-')}\n" in page
    assert "batchctl submit demo\\-1 \\-\\-universe" in page
    assert ".B \\-\\-universe\\-file F|\\-\n" in page


def test_no_line_of_a_help_is_a_request_of_roff() -> None:
    @click.command(help="\b\n.so /etc/passwd\n'quoted\n\nA \\\\ backslash.")
    def command() -> None: ...

    page = manual_page(command, "x", "1")
    assert "\n\\&.so /etc/passwd\n\\&'quoted\n" in page


@pytest.mark.skipif(shutil.which("man") is None, reason="there is no man(1) here")
def test_man_reads_the_page(batchctl: Batchctl) -> None:
    page = batchctl("man").stdout.encode()
    done = subprocess.run(["man", "-l", "-"], input=page, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
