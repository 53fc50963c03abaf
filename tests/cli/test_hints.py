"""Commands in hints: every one exists, and is spelled with the options that the user gave."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import Result

import batchctl
from batchctl.cli import HELP, main, spelling

Batchctl = Callable[..., Result]

SOURCES = Path(batchctl.__file__).parent
COMMAND = re.compile(r"`batchctl (?:--local )?([a-z][a-z-]*)")
PLACEHOLDER = "X"


def texts_with_commands() -> Iterator[tuple[str, str]]:
    """Give every text of ours that names a command, and the file that has it."""
    for path in sorted(SOURCES.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        within = {id(part) for node in ast.walk(tree) for part in parts_of(node)}
        for node in ast.walk(tree):
            text = "" if id(node) in within else text_of(node)
            if COMMAND.search(text):
                yield path.name, text


def parts_of(node: ast.AST) -> list[ast.expr]:
    return node.values if isinstance(node, ast.JoinedStr) else []


def text_of(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) or PLACEHOLDER for part in node.values)
    return str(node.value) if isinstance(node, ast.Constant) else ""


TEXTS = sorted(set(texts_with_commands()))


def test_there_are_many_hints() -> None:
    assert len(TEXTS) > 50


@pytest.mark.parametrize(("file", "text"), TEXTS)
def test_every_hint_names_a_command_that_there_is(file: str, text: str) -> None:
    named = COMMAND.findall(text)
    assert named, file
    assert set(named) <= set(HELP), file


@pytest.mark.parametrize(("file", "text"), TEXTS)
def test_every_hint_keeps_the_options_of_the_call(file: str, text: str) -> None:
    with click.Context(main):
        spelling.remember("over there/config.yaml", local=True, profile="p", region="eu-west-1")
        shown = spelling.spelled(text)
    called = "`batchctl --local --config 'over there/config.yaml' --profile p --region eu-west-1 "
    assert shown.count(called) == len(COMMAND.findall(text)), file


def test_a_hint_about_the_local_cloud_leaves_the_account_out() -> None:
    with click.Context(main):
        spelling.remember("x.yaml", profile="production", region="eu-west-1")
        shown = spelling.spelled("run `batchctl up`, or `batchctl --local up` to try it here")
    assert shown == (
        "run `batchctl --config x.yaml --profile production --region eu-west-1 up`, "
        "or `batchctl --local --config x.yaml up` to try it here"
    )


@pytest.mark.parametrize("options", [("--local",), ("--region", "eu-west-1", "--profile", "p")])
@pytest.mark.parametrize("comes_first", [True, False])
@pytest.mark.usefixtures("folder")
def test_an_error_is_hinted_as_the_command_was_called(
    batchctl: Batchctl, options: tuple[str, ...], comes_first: bool
) -> None:
    command = ("show", "demo-1")
    shown = batchctl(*((*options, *command) if comes_first else (*command, *options)))
    spelled = " ".join(sorted(options, key=lambda word: "--local" not in word))
    assert shown.exit_code == 2
    order = "--profile p --region eu-west-1" if "--profile" in options else spelled
    assert f"run `batchctl {order} up`" in shown.stderr


@pytest.mark.usefixtures("folder")
def test_a_plain_call_is_hinted_plainly(batchctl: Batchctl) -> None:
    assert "`batchctl up`" in batchctl("show", "demo-1").stderr
