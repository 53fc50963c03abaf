"""Where a source file can be changed by one small mistake, and the file with that mistake.

The mistakes are those of programmers: a comparison off by one, a condition the wrong way round, a
step left out, another constant, no answer.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
}


@dataclass(frozen=True)
class Mutant:
    """A file with one mistake: the whole source, and the mistake as a line says it."""

    path: Path
    line: int
    before: str
    after: str
    source: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.before}  ->  {self.after}"


@dataclass(frozen=True)
class Site:
    """One possible mistake in a file: the node as `ast.walk` counts it, and which of its own."""

    path: Path
    node: int
    which: int


def sites_of(root: Path, path: Path) -> Iterator[Site]:
    """Yield where a file (`path` is relative to `root`) can have a mistake."""
    for number, node in enumerate(ast.walk(_parsed(root, path))):
        for which, _ in enumerate(_changes(node)):
            yield Site(path, number, which)


def mutant_at(root: Path, site: Site) -> Mutant:
    """Return the file with the mistake of that site."""
    tree = _parsed(root, site.path)
    node = next(islice(ast.walk(tree), site.node, None))
    before, line = ast.unparse(node), getattr(node, "lineno", 0)
    changed = next(islice(_changes(node), site.which, None))
    after = ast.unparse(changed)
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is node:
                setattr(parent, name, changed)
            elif isinstance(value, list):
                value[:] = [changed if each is node else each for each in value]
    ast.fix_missing_locations(tree)
    return Mutant(site.path, line, _short(before), _short(after), ast.unparse(tree) + "\n")


def _parsed(root: Path, path: Path) -> ast.Module:
    return ast.parse((root / path).read_text(encoding="utf-8"))


def _short(code: str) -> str:
    return " ".join(code.split())[:100]


def _changes(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what may stand in the place of a node by mistake."""
    if isinstance(node, ast.expr):
        yield from _other_expressions(node)
    elif isinstance(node, ast.If | ast.While):
        yield type(node)(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)
    elif isinstance(node, ast.Return) and not _is_nothing(node.value):
        yield ast.Return(ast.Constant(None))
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and not _logs(node.value):
        yield ast.Pass()
    elif isinstance(node, ast.Continue):
        yield ast.Break()


def _other_expressions(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        yield ast.Compare(node.left, [COMPARISONS[type(node.ops[0])]()], node.comparators)
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand
    elif isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
        yield ast.BinOp(node.left, ARITHMETIC[type(node.op)](), node.right)
    elif isinstance(node, ast.IfExp):
        yield ast.IfExp(node.test, node.orelse, node.body)
    elif isinstance(node, ast.Constant):
        yield from _other_constants(node.value)


def _other_constants(value: object) -> Iterator[ast.Constant]:
    """Yield another number or truth; texts stay, as most of them are said to people."""
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int | float):
        yield ast.Constant(value + 1)


def _logs(call: ast.Call) -> bool:
    """Whether it writes a line to the log, which is for people."""
    return ast.unparse(call.func).startswith("logger.")


def _is_nothing(value: ast.expr | None) -> bool:
    return value is None or (isinstance(value, ast.Constant) and value.value is None)
