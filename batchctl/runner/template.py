"""The template: the process in which compute.py is loaded once, and `setup` is run once.

It is forked from the supervisor before that has any thread, and forks a keeper whenever it is asked
to; what the keepers fork for each item has the user's code loaded. It imports no boto3 of its own.

From the supervisor: `{"parameters", "tries", "folder"}`, with the folder of the code that the job
brings along (null: that of the image is used), then `{"new": "keeper"}` with the keeper's socket.
To it: `{"warning": text}`, `{"ready": true}`, or `{"failed": text, "reason"}`.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import os
import random
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from batchctl.runner import kernel
from batchctl.runner.calling import Prepared, UserCode, load
from batchctl.runner.channel import Channel
from batchctl.runner.failures import describe, full_text, is_final, reason_for
from batchctl.runner.import_path import put_last
from batchctl.runner.item_process import end_of_a_fork, flush, text_stream
from batchctl.runner.keeper import Kept, start
from batchctl.runner.user_code import hidden_modules

LONGEST_PAUSE_S = 30.0
T = TypeVar("T")


def pause_s(tries: int) -> float:
    """Return the pause after so many tries.

    A random share of the longest one: tasks that failed at the same time don't return at the same.
    """
    return random.uniform(0, min(LONGEST_PAUSE_S, 2**tries))  # noqa: S311  # no secret


@dataclass(frozen=True)
class Template:
    """A template as its supervisor knows it: its process, and the channel to it."""

    pid: int
    channel: Channel


def fork_template(others: socket.socket, output: int, folder: str, foreign: Iterable[int]) -> int:
    """Fork the template, which has `others` to talk over and prints to `output`; return its pid.

    It closes `foreign`, the descriptors that are the supervisor's alone. Only a process without
    threads may call it.
    """
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    try:
        for descriptor in foreign:
            os.close(descriptor)
        os.setsid()
        kernel.die_with_parent(parent)
        enter(output)
        _Serving(Channel(others), folder).serve()
    finally:
        os._exit(1)


def enter(output: int) -> None:
    """Give this process its own output and nothing to read; signals do what they do anywhere.

    All that is forked from here has it so.
    """
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    sys.stdout = sys.__stdout__ = text_stream(1)  # type: ignore[misc]  # as Python's start does
    sys.stderr = sys.__stderr__ = text_stream(2)  # type: ignore[misc]
    faulthandler.enable(file=2)


class _Serving:
    """The template's own side."""

    def __init__(self, channel: Channel, folder: str) -> None:
        self._channel, self._folder = channel, folder
        self._hidden: dict[str, str] = {}
        self._parameters: dict[str, Any] = {}
        self._failure = ("", "")
        self._keepers: set[int] = set()

    def serve(self) -> None:
        self._hidden = dict(hidden_modules(self._folder))
        for reason in self._hidden.values():
            self._channel.send({"warning": reason})
        # Before it is known whether the job brings code along: few do.
        code = self._attempt("import", lambda: load(self._folder))
        given = self._channel.receive()
        if given is None:
            return
        if given.content["folder"] is not None:
            code = self._load_instead(str(given.content["folder"]))
        if code is None:
            self._report()
            return
        self._parameters = dict(given.content["parameters"])
        prepared = self._prepare(code, int(given.content["tries"]))
        if prepared is None:
            self._report()
            return
        self._make_forks_cheap()
        kept = Kept(self._folder, self._parameters, self._hidden, self._if_safe(prepared))
        self._channel.send({"ready": True})
        while (message := self._channel.receive()) is not None:
            for descriptor in message.descriptors:
                self._fork_keeper(descriptor, kept)
            self._reap()

    def _load_instead(self, folder: str) -> UserCode | None:
        """Load the code that the job brings along; of the image's nothing counts any more."""
        self._folder = folder
        put_last(folder)
        self._hidden = dict(hidden_modules(folder))
        return self._attempt("import", lambda: load(folder))

    def _prepare(self, code: UserCode, tries: int) -> Prepared | None:
        """Run `setup`, again after an error that can pass; None where the last try failed."""
        for number in range(1, tries):
            try:
                return self._run(lambda: code.prepare(self._parameters))
            except Exception as error:  # noqa: BLE001  # whatever the user's code raises
                if is_final(error):
                    break
                sys.stderr.write(full_text(error))
                time.sleep(pause_s(number))
        return self._attempt("setup", lambda: code.prepare(self._parameters))

    def _attempt(self, what: str, call: Callable[[], T]) -> T | None:
        """Return what a call of the user's code gives; where it raises, keep what to report."""
        try:
            return self._run(call)
        except BaseException as error:  # noqa: BLE001  # SystemExit fails the items, too
            sys.stderr.write(full_text(error))
            text = describe(error, self._hidden)
            before = {"import": "could not import compute.py: ", "setup": "setup: "}[what]
            known = text.startswith(("compute.py", before))
            self._failure = text if known else before + text, str(reason_for(error))
            flush()
            return None

    def _report(self) -> None:
        """Tell why no item can be computed."""
        text, reason = self._failure
        self._channel.send({"failed": text, "reason": reason})

    @staticmethod
    def _run(call: Callable[[], T]) -> T:
        """Call the user's code; a process that it forks and that comes back from it ends here."""
        own = os.getpid()
        try:
            made = call()
        except BaseException as error:
            if os.getpid() != own:
                end_of_a_fork(error)
            raise
        if os.getpid() != own:
            os._exit(0)
        return made

    def _if_safe(self, prepared: Prepared) -> Prepared | None:
        """Return it where processes may be forked with it; None, with a warning, where not.

        A thread isn't there in a forked process, but whatever it had locked stays locked.
        """
        threads = [each.name for each in threading.enumerate() if each.name != "MainThread"]
        if not threads:
            return prepared
        self._channel.send(
            {
                "warning": f"compute.py has started threads before the first item"
                f" ({', '.join(threads[:3])}), and a process with threads can't be forked safely:"
                " each item gets a Python of its own, which imports compute.py and runs setup"
                " again; start threads in compute to avoid that"
            }
        )
        return None

    @staticmethod
    def _make_forks_cheap() -> None:
        """Leave to the forked processes the pages that they share with this one as they are."""
        flush()
        gc.freeze()

    def _fork_keeper(self, descriptor: int, kept: Kept) -> None:
        pid = os.fork()
        if pid == 0:
            self._become_keeper(descriptor, kept)
        os.close(descriptor)
        self._keepers.add(pid)

    def _become_keeper(self, descriptor: int, kept: Kept) -> NoReturn:
        self._channel.close()
        start(Channel(socket.socket(fileno=descriptor)), kept)

    def _reap(self) -> None:
        """Wait for the keepers that have ended, and for no other child: those are the user's."""
        for pid in list(self._keepers):
            with contextlib.suppress(ChildProcessError):
                if os.waitpid(pid, os.WNOHANG) == (0, 0):
                    continue
            self._keepers.discard(pid)
