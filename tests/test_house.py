"""The house: imports run one way, every command has help with an example, the docs name it."""

from __future__ import annotations

import ast
import inspect
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from batchctl.cli import main

ROOT = Path(__file__).parent.parent
ROOMS = (
    "contract",
    "runner",
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
    "contract": set(),
    "runner": {"contract"},
    "cli": {
        "contract",
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
    "stack": {"config", "contract", "image", "resources", "resource", "packaging"},
    "engine": {"resource", "aws"},
    "image": {"packaging"},
    "jobs": {"aws", "contract"},
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


def test_the_contract_imports_the_standard_library_alone() -> None:
    for path in (ROOT / "batchctl" / "contract").rglob("*.py"):
        roots = {name.split(".")[0] for name in imported(path)} - sys.stdlib_module_names
        assert roots <= {"batchctl"}, path


def test_the_runner_imports_the_standard_library_boto3_and_the_contract_alone() -> None:
    for path in (ROOT / "batchctl" / "runner").rglob("*.py"):
        roots = {name.split(".")[0] for name in imported(path)} - sys.stdlib_module_names
        assert roots <= {"batchctl", "boto3", "botocore", "mypy_boto3_dynamodb"}, path


# What the contract names: keys of the table, statuses, variables of the container.
SPELLED_ONCE = ("RESULT#", "UNIVERSE#", "ATTEMPT#", "BATCHCTL_", "SUCCEEDED", "FAILED")


def test_the_runner_takes_names_from_the_contract() -> None:
    for path in (ROOT / "batchctl" / "runner").rglob("*.py"):
        assert [text for text in texts(path) if any(each in text for each in SPELLED_ONCE)] == []


def texts(path: Path) -> Iterator[str]:
    """Every string of a file that is no docstring."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    alone = {id(each.value) for each in ast.walk(tree) if isinstance(each, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.value


@pytest.mark.parametrize("folder", ["handlers", "compute"])
def test_what_is_deployed_imports_nothing_of_batchctl_but_its_contract(folder: str) -> None:
    for path in (ROOT / folder).rglob("*.py"):
        ours = [name for name in imported(path) if name.split(".")[0] == "batchctl"]
        assert all(name.startswith("batchctl.contract") for name in ours), path


# What prints; what rich makes of parts that `output` gives; the consoles of `output`, by name.
PRINTERS = {"print", "echo", "secho", "echo_via_pager", "prompt", "print_exc"}
FROM_RICH = {"rich.live.Live", "rich.console.Group", "rich.progress_bar.ProgressBar"}
MEASURES = {"rich.cells.cell_len"}
CONSOLES = {"console", "live.console", "data()", "people()"}


def unguarded_prints(path: Path) -> Iterator[str]:
    """What of a file prints, or draws, past the one room that makes text visible."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        inner
        for each in ast.walk(tree)
        if isinstance(each, ast.If) and ast.unparse(each.test) == "TYPE_CHECKING"
        for inner in ast.walk(each)
    }
    for node in set(ast.walk(tree)) - for_types:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("rich"):
            yield from {f"{node.module}.{a.name}" for a in node.names} - FROM_RICH - MEASURES
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("rich"))
        elif isinstance(node, ast.Attribute) and is_print(node):
            yield ast.unparse(node)
        elif isinstance(node, ast.Name) and node.id in PRINTERS:
            yield node.id


def is_print(node: ast.Attribute) -> bool:
    on = ast.unparse(node.value)
    if ast.unparse(node) in {"sys.stdout", "sys.stderr", "click.confirm"}:
        return True
    return node.attr in PRINTERS and not (on in CONSOLES and node.attr == "print")


@pytest.mark.parametrize("path", files_of("cli"), ids=lambda path: path.name)
def test_nobody_prints_but_through_output(path: Path) -> None:
    if path.name != "output.py":
        assert list(unguarded_prints(path)) == []


@pytest.mark.parametrize(
    "line",
    [
        "click.echo(x)",
        "print(x)",
        "sys.stdout.write(x)",
        "out = sys.stdout",
        "sys.stderr.buffer.write(x)",
        "from rich.text import Text",
        "from rich import print",
        "import rich.table",
        "traceback.print_exc()",
        "click.confirm(x)",
        "other.print(x)",
    ],
)
def test_what_prints_past_output_is_found(tmp_path: Path, line: str) -> None:
    path = tmp_path / "command.py"
    path.write_text(f"def command():\n    {line}\n")
    assert list(unguarded_prints(path))


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
