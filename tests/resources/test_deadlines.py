"""Every wait ends: an AWS that is stuck is an error with what, how long, what was seen last."""

from __future__ import annotations

import ast
import re
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from default_vpc import make_default_vpc_public
from engine_runs import down, plan, up
from slices import one_in
from stuck import STUCK, Stuck

import batchctl.resources
from batchctl.aws.errors import NotReady
from batchctl.aws.session import Aws
from batchctl.aws.waiting import UNSEEN

RESOURCES = Path(batchctl.resources.__file__).parent
WAITED = re.compile(r"waited (\d+) s for (.+): (.+)")
# The last pause may begin just before the deadline.
PAUSE_S = 5.0


@pytest.fixture(autouse=True)
def public_default_vpc(aws: Aws) -> str:
    """The default VPC as AWS makes it."""
    return make_default_vpc_public(aws.connection.client("ec2"))


def error_of(stuck: Stuck, aws: Aws, folder: Path) -> BaseException:
    """Return the error of a run in which one verb is stuck; all before it succeeded."""
    there = stuck.resource.dependencies if stuck.verb == "up" else (stuck.resource,)
    assert up(aws, folder, *there).succeeded
    stuck.stick(aws)
    run = {
        "up": lambda: up(aws, folder, stuck.resource).outcome,
        "plan": lambda: plan(aws, folder, stuck.resource).outcome,
        "down": lambda: down(aws, folder),
    }
    return run[stuck.verb]().failed[stuck.resource.address]


@pytest.mark.parametrize("stuck", one_in(4, STUCK), ids=str)
def test_a_wait_ends_with_what_how_long_what_was_seen_last_and_what_to_do(
    stuck: Stuck, aws: Aws, tmp_path: Path
) -> None:
    began = aws.clock.now()
    error = error_of(stuck, aws, tmp_path)
    assert isinstance(error, NotReady), error
    waited = WAITED.fullmatch(error.message)
    assert waited, error.message
    waited_s = int(waited[1])
    assert waited_s <= aws.clock.now() - began < waited_s + 4 * PAUSE_S
    assert waited[3] == (UNSEEN if stuck.seen == UNSEEN else f"it is still `{stuck.seen}`")
    assert error.hint
    assert "run the command again" in error.hint
    assert stuck.waits_in in set(functions_on_the_way_to(error))


def functions_on_the_way_to(error: BaseException) -> Iterator[str]:
    for frame, _ in traceback.walk_tb(error.__traceback__):
        yield f"{module_of(Path(frame.f_code.co_filename))}.{frame.f_code.co_qualname}"


def module_of(path: Path) -> str:
    """The module's name within `batchctl.resources`: `iam.roles`."""
    within = path.relative_to(RESOURCES) if path.is_relative_to(RESOURCES) else Path(path.name)
    return ".".join(within.with_suffix("").parts)


def test_every_wait_of_every_kind_is_tried() -> None:
    paths = RESOURCES.rglob("*.py")
    waits = {f"{module_of(path)}.{name}" for path in paths for name in waits_in(path)}
    assert waits == {stuck.waits_in for stuck in STUCK}


def waits_in(path: Path) -> Iterator[str]:
    """Yield the functions of a file, `Class.method` or `function`, that wait themselves."""
    tree = ast.parse(path.read_text())
    classes = [each for each in tree.body if isinstance(each, ast.ClassDef)]
    scopes = [("", tree.body), *((f"{each.name}.", each.body) for each in classes)]
    for prefix, body in scopes:
        for each in body:
            if isinstance(each, ast.FunctionDef) and any(map(is_wait, ast.walk(each))):
                yield f"{prefix}{each.name}"


def is_wait(node: ast.AST) -> bool:
    called = node.func if isinstance(node, ast.Call) else None
    return isinstance(called, ast.Attribute) and called.attr == "wait_until"
