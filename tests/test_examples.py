"""The examples hold together, also where no container can be run to prove it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from batchctl.config import load

EXAMPLES = Path(__file__).parent.parent / "examples"
SCRIPTS = sorted(EXAMPLES.rglob("*.sh"))


@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("config.yaml")), ids=str)
def test_an_examples_settings_are_valid_and_name_what_there_is(path: Path) -> None:
    config = load(path)
    folder = path.parent / config.compute.build
    assert (folder / "Dockerfile").is_file()
    program = (config.compute.command or ("",))[0]
    assert (folder / Path(program).name).is_file()


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_an_examples_script_can_be_run_and_read_by_its_shell(path: Path) -> None:
    assert os.access(path, os.X_OK)
    shell = path.read_text().splitlines()[0].removeprefix("#!").split()
    subprocess.run([*shell, "-n", path], check=True)


@pytest.mark.parametrize(("number", "is_prime"), [("2", True), ("8", False), ("1", False)])
def test_the_exit_code_of_the_shell_example_tells_a_prime(number: str, is_prime: bool) -> None:
    script = EXAMPLES / "shell" / "compute" / "is_prime.sh"
    done = subprocess.run([script, number], stdout=subprocess.DEVNULL, check=False)
    assert (done.returncode == 0) is is_prime
