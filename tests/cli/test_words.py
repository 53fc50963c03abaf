"""What people read has no words that they would have to learn: the help, the messages, the docs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Each with what reads better.
AVOIDED = {
    r"\btold\b": "reported, said",
    r"\btells?\b": "says, shows, reports",
    r"\btelling\b": "saying",
    r"\bmend(?:s|ed|ing)?\b": "fix, repair",
    r"\bmoments?\b": "time",
    r"\banew\b": "again",
    r"\bleftovers?\b": "what could not be deleted",
    r"\bfor ever\b": "forever",
    r"\blook(?:s|ed|ing)? after\b": "manage",
    r"\bholds? it up\b": "the problem",
    r"\bhasn't got\b": "has no",
    r"\bafter all\b": "(nothing)",
    r"\basked for by name\b": "needs its own confirmation",
    r"\buntold\b": "not reported",
    r"\bthereof\b": "of it",
    r"\bintake\b": "entry point",
}
DOCS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
MESSAGES = [
    *sorted((ROOT / "batchctl" / "cli").rglob("*.py")),
    *sorted((ROOT / "batchctl" / "jobs" / "diagnosis").glob("*.py")),
    ROOT / "batchctl" / "contract" / "reasons.py",
    ROOT / "batchctl" / "errors.py",
]


def avoided_in(text: str) -> list[str]:
    """The words of a text that read badly, each with what reads better."""
    return [
        f"{found[0]!r}: better {better}"
        for pattern, better in AVOIDED.items()
        for found in re.finditer(pattern, text, re.IGNORECASE)
    ]


def messages(path: Path) -> Iterator[str]:
    """The strings of a file that people are shown: all but docstrings, and the help of commands."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = {id(each.value) for each in ast.walk(tree) if isinstance(each, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) not in documented:
                yield node.value
        elif (
            isinstance(node, ast.FunctionDef)
            and node.decorator_list
            and path.parent.name == "commands"
        ):
            yield ast.get_docstring(node) or ""


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_the_docs_are_in_words_that_every_reader_knows(path: Path) -> None:
    assert avoided_in(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_help_and_messages_are_in_words_that_every_reader_knows(path: Path) -> None:
    assert [found for text in messages(path) for found in avoided_in(text)] == []


@pytest.mark.parametrize("text", ["He told you", "what holds it up", "Mend it", "wait for ever"])
def test_a_word_to_avoid_is_found(text: str) -> None:
    assert avoided_in(text)
