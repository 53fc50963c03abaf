"""The house: imports run one way, every command has help with an example, the docs name it."""

from __future__ import annotations

import ast
import inspect
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from batchctl.cli import main

ROOT = Path(__file__).parent.parent
ROOMS = (
    "cli",
    "config",
    "stack",
    "engine",
    "image",
    "jobs",
    "local",
    "resources",
    "resource",
    "aws",
    "packaging",
    "errors",
)
# What each room may import besides itself and `errors`.
ALLOWED = {
    "cli": {
        "config",
        "stack",
        "engine",
        "image",
        "jobs",
        "local",
        "resources",
        "resource",
        "aws",
        "packaging",
    },
    "stack": {"config", "image", "resources", "resource", "packaging"},
    "engine": {"resource", "aws"},
    "image": set(),
    "jobs": {"aws"},
    "local": {"image", "packaging"},
    "resources": {"image", "resource", "aws", "packaging"},
    "resource": {"aws"},
    "aws": set(),
    "config": set(),
    "packaging": set(),
    "errors": set(),
}


def test_pytest_and_mypy_find_the_modules_of_tests_in_the_same_folders() -> None:
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    folders = {each for each in tool["mypy"]["mypy_path"] if each.startswith("tests/")}
    assert folders == {
        f"tests/{path.parent.name}" for path in (ROOT / "tests").glob("*/*.py") if is_imported(path)
    }
    assert folders == set(tool["pytest"]["ini_options"]["pythonpath"]) - {"."}


def is_imported(path: Path) -> bool:
    return not path.name.startswith(("test_", "conftest"))


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def files_of(room: str) -> list[Path]:
    folder = ROOT / "batchctl" / room
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]


@pytest.mark.parametrize("room", ROOMS)
def test_imports_run_one_way(room: str) -> None:
    reached = {
        name.split(".")[1]
        for path in files_of(room)
        for name in imported(path)
        if name.startswith("batchctl.")
    }
    assert reached & set(ROOMS) <= ALLOWED[room] | {room, "errors"}


@pytest.mark.parametrize("folder", ["handlers", "compute"])
def test_what_is_deployed_never_imports_batchctl(folder: str) -> None:
    for path in (ROOT / folder).rglob("*.py"):
        assert not [name for name in imported(path) if name.startswith("batchctl")], path


def commands(group: click.Group, *above: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        yield (*above, name), command
        if isinstance(command, click.Group):
            yield from commands(command, *above, name)


COMMANDS = dict(commands(main))
each_command = pytest.mark.parametrize("names", COMMANDS, ids=" ".join)


@each_command
def test_every_command_has_help_with_an_example(names: tuple[str, ...]) -> None:
    text = inspect.cleandoc(COMMANDS[names].help or "")
    assert "\b\nExample" in text, "Click would run the lines of the example together"
    assert "batchctl" in text


@each_command
def test_every_command_is_named_in_the_docs(names: tuple[str, ...]) -> None:
    docs = "\n".join(p.read_text() for p in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
    assert f"batchctl {' '.join(names)}" in docs or f"--local {' '.join(names)}" in docs


@each_command
def test_every_option_has_help(names: tuple[str, ...]) -> None:
    for parameter in COMMANDS[names].params:
        if isinstance(parameter, click.Option) and parameter.name != "help":
            assert parameter.help, f"{names}: {parameter.name}"
