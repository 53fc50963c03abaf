"""Run a program to its end: its output line by line as it comes, and an end to it on Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, cast

from batchctl.ending import undone_at_once
from batchctl.errors import BatchctlError, Interrupted

# How often the event that stops a run is read; a program that ends is noticed at once.
POLL_S = 0.2
# A build that gets SIGTERM cleans up; then it is killed.
ENDS_WITHIN_S = 10.0


def _nobody(_: str) -> None:
    return None


@dataclass(frozen=True)
class Watch:
    """Who follows a run: `on_line` gets each line of output, `stop` ends it when set."""

    on_line: Callable[[str], None] = _nobody
    stop: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class Ended:
    """How a program ended: its exit code, and what it wrote.

    `output` has stdout and stderr, as they came; stderr is in `errors` where it was kept apart.
    """

    code: int
    output: str
    errors: str = ""

    @property
    def succeeded(self) -> bool:
        """Whether the exit code is 0."""
        return self.code == 0

    @property
    def text(self) -> str:
        """All that it wrote."""
        return f"{self.output}{self.errors}".strip()

    @property
    def last_line(self) -> str:
        """What it wrote last, on stderr where that was kept apart; else its exit code."""
        lines = (self.errors or self.output).strip().splitlines()
        return lines[-1] if lines else f"exit code {self.code}"


class EngineError(BatchctlError):
    """A container engine can't be run, or refused a command; the text is what it said."""

    code = "container_engine"


@dataclass(frozen=True)
class Command:
    """A command line, the whole environment that it runs in, and what it reads on stdin.

    In a new session Ctrl-C reaches it by us alone; else it ends with this process's group, and a
    `Watch` can't stop it.
    """

    line: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)
    given: str = field(default="", repr=False)
    new_session: bool = True


def run(command: Command, watch: Watch, *, is_apart: bool = False) -> Ended:
    """Run a program to its end.

    With `is_apart` its stderr is kept apart: warnings don't mix with an answer. EngineError when it
    can't be started, Interrupted when it was stopped.
    """
    process = _start(command, subprocess.PIPE if is_apart else subprocess.STDOUT)
    with undone_at_once(lambda: _kill(process, command)):
        return _to_its_end(process, command, watch)


def _to_its_end(process: subprocess.Popen[str], command: Command, watch: Watch) -> Ended:
    output: list[str] = []
    errors: list[str] = []
    readers = [
        threading.Thread(target=_read, args=(stream, lines, watch), daemon=True)
        for stream, lines in ((process.stdout, output), (process.stderr, errors))
        if stream is not None
    ]
    for reader in readers:
        reader.start()
    _write(cast("IO[str]", process.stdin), command.given)
    _wait(process, command.line[0], watch.stop)
    for reader in readers:
        reader.join()
    return Ended(process.returncode, "".join(output), "".join(errors))


def _start(command: Command, errors: int) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(  # noqa: S603 - the builder, with arguments of our own
            command.line,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=command.environment,
            start_new_session=command.new_session,
        )
    except OSError as error:
        raise EngineError(f"could not run `{command.line[0]}`: {error.strerror}") from error


def _read(output: IO[str], lines: list[str], watch: Watch) -> None:
    with output:
        for line in output:
            lines.append(line)
            if line.strip():
                watch.on_line(line.strip())


def _write(given_to: IO[str], given: str) -> None:
    # A program that ends without reading says why by its exit code and output.
    with suppress(BrokenPipeError), given_to:
        given_to.write(given)


def _wait(process: subprocess.Popen[str], name: str, stop: threading.Event) -> None:
    while True:
        try:
            process.wait(POLL_S)
        except subprocess.TimeoutExpired:
            if stop.is_set():
                _end(process)
                raise Interrupted(f"stopped `{name}`") from None
        else:
            return


def _kill(process: subprocess.Popen[str], command: Command) -> None:
    """Kill the program; with all that it started, where that is a group of its own."""
    if command.new_session:
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()


def _end(process: subprocess.Popen[str]) -> None:
    """End the program with all that it started: they share its process group."""
    for sent in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sent)
            process.wait(ENDS_WITHIN_S)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
        else:
            return
