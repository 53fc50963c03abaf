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

from batchctl.errors import BatchctlError, Interrupted

# How often it is asked whether the run is being stopped; a program that ends is noticed at once.
LOOK_EVERY_S = 0.2
# A build that is told to end cleans up; then it is killed.
ENDS_WITHIN_S = 10.0


def _nobody(_: str) -> None:
    return None


@dataclass(frozen=True)
class Watch:
    """Who looks at a run: `on_line` gets each line of output, `stop` ends it when set."""

    on_line: Callable[[str], None] = _nobody
    stop: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class Ended:
    """How a program ended: its exit code, and all that it wrote on stdout and stderr."""

    code: int
    output: str

    @property
    def succeeded(self) -> bool:
        """Whether the exit code is 0."""
        return self.code == 0


def run(
    command: Sequence[str],
    watch: Watch,
    *,
    given: str = "",
    environment: Mapping[str, str] | None = None,
) -> Ended:
    """Run a program with `given` on its stdin; `environment` is beside this process's own.

    It is in a session of its own, so that Ctrl-C reaches it by us alone. BatchctlError when it
    can't be started, Interrupted when it was stopped.
    """
    process = _start(command, {**os.environ, **(environment or {})})
    lines: list[str] = []
    output, given_to = cast("IO[str]", process.stdout), cast("IO[str]", process.stdin)
    reader = threading.Thread(target=_read, args=(output, lines, watch), daemon=True)
    reader.start()
    _write(given_to, given)
    _wait(process, command[0], watch.stop)
    reader.join()
    return Ended(process.returncode, "".join(lines))


def _start(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(  # noqa: S603 - the builder, with arguments of our own
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=environment,
            start_new_session=True,
        )
    except OSError as error:
        raise BatchctlError(f"could not run `{command[0]}`: {error.strerror}") from error


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
            process.wait(LOOK_EVERY_S)
        except subprocess.TimeoutExpired:
            if stop.is_set():
                _end(process)
                raise Interrupted(f"stopped `{name}`") from None
        else:
            return


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
