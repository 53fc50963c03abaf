"""The process of one item: it calls compute, sends what came of it, and ends.

It has a session, a TMPDIR and an output of its own. Whatever compute does here (crashes, leaves
threads, closes its streams, forks) stays here. `run` in a process that was forked with the user's
code loaded; `main` where each item has a fresh Python, which loads it first.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from batchctl.runner import kernel
from batchctl.runner.calling import Prepared, load
from batchctl.runner.failures import describe, full_text, is_final, reason_for
from batchctl.runner.reply import Reply, write_all
from batchctl.runner.user_code import hidden_modules

Prepare = Callable[[], Prepared]


@dataclass(frozen=True)
class Order:
    """What an item's process is to do, and the descriptors of its pipes.

    `tmpdir` is its own, None where none could be made. `hidden` are the modules that the user can't
    import, each with the reason. `own` are the item's own parameters.
    """

    item: str
    result: int
    output: int
    tmpdir: str | None
    hidden: dict[str, str]
    own: dict[str, Any] = field(default_factory=dict)


def run(prepare: Prepare, order: Order) -> NoReturn:
    """Compute an item, and end this process."""
    own, status = os.getpid(), 1
    try:
        enter(order)
        reply = reply_of(prepare, order, own)
        flush()
        write_all(order.result, reply.encoded())
        status = 0
    finally:
        # Not through Python's own end: that waits for threads, and would run what others planned.
        os._exit(status)


def reply_of(prepare: Prepare, order: Order, own: int) -> Reply:
    """Return what came of an item; whatever is raised fails it.

    A process that compute forked and that comes back from it ends here.
    """
    try:
        result, seconds = prepare().call(order.item, order.own)
    except BaseException as error:  # noqa: BLE001  # SystemExit and MemoryError fail the item, too
        if os.getpid() != own:
            end_of_a_fork(error)
        with contextlib.suppress(OSError):
            write_all(order.output, full_text(error).encode(errors="backslashreplace"))
        return Reply(
            error=describe(error, order.hidden), reason=reason_for(error), is_final=is_final(error)
        )
    if os.getpid() != own:
        os._exit(0)
    return Reply(result, seconds=seconds)


def end_of_a_fork(error: BaseException) -> NoReturn:
    """End a process that compute forked as Python would have ended it."""
    if isinstance(error, SystemExit):
        code = error.code
        os._exit(code & 0xFF if isinstance(code, int) else int(code is not None))
    with contextlib.suppress(BaseException):
        sys.stderr.write(full_text(error))
        sys.stderr.flush()
    os._exit(1)


def enter(order: Order) -> None:
    """Give this process what is its own."""
    os.setsid()
    kernel.be_killed_first()
    reset_signals()
    for descriptor in (1, 2):
        os.dup2(order.output, descriptor)
    open_streams()
    if order.tmpdir is not None:
        os.environ["TMPDIR"] = order.tmpdir
        if "tempfile" in sys.modules:
            sys.modules["tempfile"].tempdir = None  # type: ignore[attr-defined]  # it remembers
    seed_numpy()


def reset_signals() -> None:
    """Have signals do what they do in any program: the keeper has taken one."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def open_streams() -> None:
    """Have `print` write lines to this process's output at once, whatever characters they have."""
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        if stream is None or getattr(stream, "closed", True):
            setattr(sys, name, text_stream(descriptor))


def text_stream(descriptor: int) -> Any:
    """Return a stream of text on a descriptor, which it doesn't close."""
    return open(
        descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False
    )


def seed_numpy() -> None:
    """Have numpy's global random numbers differ from item to item, as Python's own do by itself.

    Python seeds `random` anew in a forked process (os.register_at_fork), numpy doesn't.
    """
    random = sys.modules.get("numpy.random")
    if random is not None:
        with contextlib.suppress(Exception):  # a module of another make
            random.seed()


def flush() -> None:
    """Write out what was printed, as far as compute left streams to print to."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(BaseException):
            stream.flush()
    kernel.flush_c_streams()


def fresh_command(order: Order, folder: str, parameters: dict[str, Any]) -> tuple[list[str], int]:
    """Return the command of a fresh Python that does an order, and what it reads its order from."""
    reader, writer = os.pipe()
    given = {"order": vars(order), "folder": folder, "parameters": parameters, "path": sys.path}
    for descriptor in (reader, order.result, order.output):
        os.set_inheritable(descriptor, True)  # noqa: FBT003  # its only form
    write_all(writer, json.dumps(given).encode())  # far below the 64 KiB that a pipe holds
    os.close(writer)
    program = (
        f"import json, os, sys; given = json.load(open({reader})); sys.path[:] = given['path']; "
        "from batchctl.runner.item_process import main; main(given)"
    )
    return [sys.executable, "-P", "-c", program], reader


def main(given: dict[str, Any]) -> NoReturn:
    """Do the order that a fresh Python was given: load the user's code, set it up, compute."""
    faulthandler.enable(file=2)
    order = Order(**given["order"])
    for descriptor in (order.result, order.output):
        os.set_inheritable(descriptor, False)  # noqa: FBT003  # its only form

    def prepare() -> Prepared:
        return load(given["folder"]).prepare(given["parameters"])

    run(prepare, Order(**{**vars(order), "hidden": dict(hidden_modules(given["folder"]))}))


def replaced_by(command: Sequence[str]) -> NoReturn:
    """Become another program."""
    try:
        os.execv(command[0], list(command))  # noqa: S606  # our own Python
    finally:
        os._exit(127)
