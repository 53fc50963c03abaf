"""The house: imports run one way, every command has help with an example, the docs name it."""

from __future__ import annotations

import ast
import inspect
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from batchctl.cli import main
from batchctl.contract import front_doors
from batchctl.contract.environment import PREFIX, Container
from batchctl.contract.front_doors import FRONT_DOORS
from batchctl.contract.statuses import ItemStatus, Status, TaskStatus

ROOT = Path(__file__).parent.parent
ROOMS = (
    "contract",
    "runner",
    "cli",
    "application",
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
# What each room may import besides itself, the contract and `errors`.
ALLOWED = {
    "contract": set(),
    "runner": set(),
    "cli": {"application", "engine", "jobs", "local", "aws", "image", "packaging"},
    "application": {
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
    "image": {"packaging"},
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
    assert reached & set(ROOMS) <= ALLOWED[room] | {room, "contract", "errors"}


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


# Words of our own that a newcomer would have to learn, and what the field says instead. Left out is
# what the field says as well: to place a task, a lookup, in place, a moment in a comment.
PRIVATE_WORDS = {
    "told": "reported",
    "tell": "report",
    "tells": "reports",
    "telling": "with_progress",
    "untold": "unreported",
    "look": "read",
    "looks": "reads",
    "looking": "reading",
    "moment": "time",
    "moments": "timestamps",
    "places": "say which: resources, identity",
    "together": "batched",
    "intake": "entry_point",
    "renewing": "changes_outputs",
    "undecided": "server_assigned",
    "retired": "deposed",
    "leftovers": "orphans",
    "mend": "repair",
    "mends": "repairs",
}
WORDS_OF_A_NAME = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")


def names_given(path: Path) -> Iterator[str]:
    """Yield what a file names: functions, classes, arguments, variables and attributes."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def private_words(path: Path) -> dict[str, str]:
    """Return each name of a file that has a word of ours, with what reads better."""
    return {
        name: PRIVATE_WORDS[word]
        for name in names_given(path)
        for word in map(str.lower, WORDS_OF_A_NAME.findall(name))
        if word in PRIVATE_WORDS
    }


def parts() -> Iterator[tuple[str, list[Path]]]:
    """Yield each room of batchctl/, also one that is new, and what is deployed, with its files."""
    for path in sorted((ROOT / "batchctl").iterdir()):
        if path.is_dir() and any(path.rglob("*.py")):
            yield path.name, sorted(path.rglob("*.py"))
        elif path.suffix == ".py":
            yield path.stem, [path]
    yield "handlers", sorted((ROOT / "handlers").rglob("*.py"))


@pytest.mark.parametrize(("part", "paths"), [pytest.param(*each, id=each[0]) for each in parts()])
def test_names_are_of_the_words_of_the_field(part: str, paths: list[Path]) -> None:
    found = {path.name: words for path in paths if (words := private_words(path))}
    assert found == {}


@pytest.mark.parametrize(
    "line",
    ["def look_again(): ...", "class Told: ...", "def f(looks): ...", "x.moments = 1", "tell = 1"],
)
def test_a_private_word_in_a_name_is_found(tmp_path: Path, line: str) -> None:
    path = tmp_path / "room.py"
    path.write_text(line + "\n")
    assert private_words(path)


@pytest.mark.parametrize("line", ["def lookup(): ...", "replaced = 1", "x = y.moments", "# tell"])
def test_other_names_are_not_taken_for_private_words(tmp_path: Path, line: str) -> None:
    path = tmp_path / "room.py"
    path.write_text(line + "\n")
    assert not private_words(path)


# Words of the contract, which it alone spells.
STATUSES = {str(each) for kind in (Status, ItemStatus, TaskStatus) for each in kind}
VARIABLES = {PREFIX} | {each for each in vars(Container).values() if str(each).startswith(PREFIX)}
KEYS = ("RESULT#", "UNIVERSE#", "ATTEMPT#", "ATTEMPTS#")
# Here one of these words is somebody else's: SQS's statuses of a move; those that boto3's stubs
# want as literals.
SPELLED_BY_OTHERS = {"batchctl/jobs/dead_letters.py", "batchctl/resources/batch/jobs.py"}
OURS = [
    path
    for folder in ("batchctl", "handlers")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if not path.is_relative_to(ROOT / "batchctl" / "contract")
    and not path.is_relative_to(ROOT / "batchctl" / "deploy")
]


def words_of_the_contract(source: str) -> Iterator[str]:
    """Yield the words of the contract that stand in string literals; docstrings may have them."""
    tree = ast.parse(source)
    alone = {id(each.value) for each in ast.walk(tree) if isinstance(each, ast.Expr)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        text = node.value
        if id(node) not in alone and (
            text in STATUSES | VARIABLES or any(key in text for key in KEYS)
        ):
            yield text


@pytest.mark.parametrize("path", OURS, ids=lambda path: str(path.relative_to(ROOT)))
def test_nobody_but_the_contract_spells_its_words(path: Path) -> None:
    if path.relative_to(ROOT).as_posix() not in SPELLED_BY_OTHERS:
        assert list(words_of_the_contract(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "line",
    [
        'x == "SUCCEEDED"',
        'key = f"RESULT#{x}"',
        'key = f"ATTEMPT#{run:02d}#UNIVERSE#{chunk:08d}"',
        'x in {"QUEUED"}',
        'x.startswith("BATCHCTL_")',
        'x["BATCHCTL_JOB_ID"]',
    ],
)
def test_a_word_of_the_contract_is_found(line: str) -> None:
    assert list(words_of_the_contract(f"def f(x):\n    {line}\n"))


# Which kinds of front door there are, and what tells them apart, stands in the contract; the stack
# alone asks which one it is to build.
BUILDS_FRONT_DOORS = "batchctl/stack/front_door.py"


def kinds_of_front_door(source: str) -> Iterator[str]:
    """Yield where a front door's mode is spelled, or its kind compared with a certain one."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and node.value in FRONT_DOORS:
            yield ast.unparse(node)
        elif isinstance(node, ast.Compare):
            of_kinds = [each for each in ast.walk(node) if ast.unparse(each) in DOOR_KINDS]
            yield from map(ast.unparse, of_kinds)


DOOR_KINDS = {name for name, each in vars(front_doors).items() if each in FRONT_DOORS.values()}


@pytest.mark.parametrize("path", OURS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_stack_alone_asks_which_front_door_there_is(path: Path) -> None:
    if path.relative_to(ROOT).as_posix() != BUILDS_FRONT_DOORS:
        assert list(kinds_of_front_door(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "line",
    [
        'api.mode == "restapi"',
        'x = {"alb": 1}',
        "FRONT_DOORS[api.mode] is REST_API",
        "door.mode != ALB.mode",
        "door in (SIGNED, other)",
    ],
)
def test_a_question_for_the_kind_of_front_door_is_found(line: str) -> None:
    assert list(kinds_of_front_door(line))


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


@pytest.mark.parametrize("room", sorted(set(ROOMS) - {"cli"}))
def test_the_command_line_alone_knows_click_and_rich(room: str) -> None:
    for path in files_of(room):
        assert not {name.split(".")[0] for name in imported(path)} & {"click", "rich"}, path


def commands(group: click.Group, *above: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        yield (*above, name), command
        if isinstance(command, click.Group):
            yield from commands(command, *above, name)


COMMANDS = dict(commands(main))


def test_every_file_of_commands_is_of_a_command_by_its_name() -> None:
    files = {path.stem for path in (ROOT / "batchctl" / "cli" / "commands").glob("[!_]*.py")}
    assert files == {names[0].replace("-", "_") for names in COMMANDS}


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
