"""Every call that we make in any test, against AWS's own models: more strictly than botocore is.

botocore looks at names, types, what is required, and the lower limits of lengths and numbers. The
models say more, which an account in memory forgives and AWS refuses: upper limits, patterns, enums.
A call is ours when the code that makes it is of batchctl, its handlers or its runner; what tests
call themselves, as a witness or to attack, isn't looked at. Every call of a command must be one
that `batchctl policy` grants somebody (`granted`): so the declarations can't go stale.
"""

from __future__ import annotations

import functools
import re
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import botocore.validate
import pytest
from botocore.model import OperationModel, Shape
from granted import action_of, granted_actions

ROOT = Path(__file__).parents[2]
OURS = tuple(f"{ROOT / room}/" for room in ("batchctl", "handlers"))
# What calls AWS as somebody else than the user: a function, a container, the local cloud's root.
AS_OTHERS = tuple(f"{ROOT / 'batchctl' / room}/" for room in ("local", "runner", "contract"))
SESSION = ("/batchctl/aws/",)
THEIRS = ("/botocore/", "/boto3/", "/concurrent/", "/threading.py", "/contextlib.py")
# What `re` doesn't know of Java's regular expressions, in which the models are written.
JAVA = {
    r"\p{L}": r"a-zA-Z\u00c0-\uffff",
    r"\p{Z}": r" \u00a0\u2000-\u200a",
    r"\p{N}": "0-9",
    r"\p{Print}": "[ -~]",
    r"[\w-_]": r"[\w_-]",
}
REAL_VALIDATION = botocore.validate.ParamValidationDecorator.serialize_to_request


@dataclass(eq=False)  # pytest keeps its plugins by identity
class StrictCalls:
    """The plugin of pytest: fails a test in which a call of ours is one that a model doesn't allow.

    It says at the end how many calls of how many operations it looked at, in all processes.
    """

    violations: list[str] = field(default_factory=list)
    calls: int = 0
    operations: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)
    patch: pytest.MonkeyPatch = field(default_factory=pytest.MonkeyPatch)

    def check(self, parameters: Any, model: OperationModel, caller: str) -> None:
        """Look at one call, which code in the file `caller` makes."""
        name = f"{model.service_model.service_name}.{model.name}"
        shape = model.input_shape
        found = list(violations(shape, parameters, name)) if shape else []
        if is_users(caller) and action_of(model) not in granted_actions():
            found.append(f"{name}: no `grants` allow {action_of(model)} (`batchctl policy`)")
        with self.lock:
            self.calls += 1
            self.operations.add(name)
            self.violations += found

    def pytest_configure(self) -> None:
        """Look at all of our calls from now on."""

        def serialize(decorator: Any, parameters: Any, operation_model: OperationModel) -> Any:
            frame = sys._getframe(1)
            if our_caller(frame) is not None:
                # Who asks for a call through our session may be a test.
                self.check(parameters, operation_model, our_caller(frame, SESSION) or "")
            return REAL_VALIDATION(decorator, parameters, operation_model)

        decorator = botocore.validate.ParamValidationDecorator
        self.patch.setattr(decorator, "serialize_to_request", serialize)

    def pytest_unconfigure(self) -> None:
        """Look at no further call."""
        self.patch.undo()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self) -> Generator[None, Any, Any]:
        """Fail a test for what its fixtures call."""
        return (yield from self._strictly())

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None, Any, Any]:
        """Fail a test for what it makes us call."""
        return (yield from self._strictly())

    def _strictly(self) -> Generator[None, Any, Any]:
        self.violations.clear()
        result = yield
        if self.violations:
            found = "\n".join(dict.fromkeys(self.violations))
            pytest.fail(f"AWS's own models don't allow:\n{found}", pytrace=False)
        return result

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Hand the counts to the process that all others report to."""
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["strict_calls"] = [self.calls, sorted(self.operations)]

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take the counts of another process."""
        calls, operations = getattr(node, "workeroutput", {}).get("strict_calls", (0, ()))
        self.calls += calls
        self.operations.update(operations)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say what was looked at."""
        counts = f"{self.calls} calls of {len(self.operations)} operations"
        terminalreporter.write_line(f"checked strictly against AWS's models: {counts}")


def our_caller(frame: FrameType | None, between: tuple[str, ...] = ()) -> str | None:
    """Return the file of the first code from here on up that isn't a library's, if it is ours.

    What is `between` the libraries and whom we look for is passed over, too.
    """
    while frame is not None:
        file = frame.f_code.co_filename
        if not any(each in file for each in (*THEIRS, *between)):
            return file if file.startswith(OURS) else None
        frame = frame.f_back
    return None


def is_users(file: str) -> bool:
    """Whether a file of ours calls AWS with the credentials of whoever runs the command."""
    return file.startswith(OURS[0]) and not file.startswith(AS_OTHERS)


def violations(shape: Shape, value: Any, where: str) -> Iterator[str]:
    """Yield what the model of a value doesn't allow in it; `where` is how it is reached."""
    look = BY_TYPE.get(shape.type_name)
    if look is not None and value is not None:
        yield from look(shape, value, where)


def _structure(shape: Any, value: Any, where: str) -> Iterator[str]:
    for key, member in value.items():
        if key in shape.members:
            yield from violations(shape.members[key], member, f"{where}.{key}")


def _list(shape: Any, value: Any, where: str) -> Iterator[str]:
    yield from _beyond(shape, len(value), f"{where} has {len(value)} members")
    for index, member in enumerate(value):
        yield from violations(shape.member, member, f"{where}[{index}]")


def _map(shape: Any, value: Any, where: str) -> Iterator[str]:
    yield from _beyond(shape, len(value), f"{where} has {len(value)} members")
    for key, member in value.items():
        yield from violations(shape.key, key, f"{where} (key)")
        yield from violations(shape.value, member, f"{where}[{key!r}]")


def _number(shape: Any, value: Any, where: str) -> Iterator[str]:
    yield from _beyond(shape, value, f"{where} is {value}")


def _blob(shape: Any, value: Any, where: str) -> Iterator[str]:
    if isinstance(value, bytes | str):  # not a stream, whose length nobody knows
        yield from _beyond(shape, len(value), f"{where} has {len(value)} bytes")


def _text(shape: Any, value: Any, where: str) -> Iterator[str]:
    text = str(value)
    yield from _beyond(shape, len(text), f"{where} is {text[:80]!r}, {len(text)} long")
    if shape.enum and text not in shape.enum:
        yield f"{where} is {text!r}: none of {', '.join(shape.enum[:8])} …"
    pattern = shape.metadata.get("pattern")
    if pattern and not _compiled(pattern).fullmatch(text):
        yield f"{where} is {text[:80]!r}: no match of {pattern}"


def _beyond(shape: Shape, number: float, what: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and number < least:
        yield f"{what}: fewer than {least}"
    if most is not None and number > most:
        yield f"{what}: more than {most}"


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    for java, python in JAVA.items():
        pattern = pattern.replace(java, python)
    return re.compile(pattern, re.DOTALL)


BY_TYPE: dict[str, Callable[[Any, Any, str], Iterator[str]]] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _text,
    "blob": _blob,
    **dict.fromkeys(("integer", "long", "float", "double"), _number),
}
