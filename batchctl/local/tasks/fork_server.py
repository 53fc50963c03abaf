"""The fork server: a Python that has boto3 and the runner loaded, and forks for each task.

Run by the cloud in the user's Python as `launch.py batchctl.local.tasks.fork_server RUNNER`, with
the environment that all tasks have and its end of a socket as stdin. Each message there is an Order
as JSON, with two file descriptors: the task's output, and the keeper's socket.

Loading Python, boto3 and a client's description of DynamoDB takes longer than most tasks. So a task
whose command is the runner's is forked off this process and goes on as `python -P RUNNER_FOLDER`
would have begun: import path, arguments, environment, working directory, streams and signals are
what it would have. Other commands are executed as they are, and so is the runner's where an
environment variable would have made another Python of it. Nothing of the user's code is ever loaded
here, and there is one thread alone, as what is forked must not hold another thread's locks.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import pkgutil
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from typing import NoReturn

from batchctl.local.tasks.keeper import Keeper, Order

MAX_MESSAGE = 256 * 1024
"""More than a task's environment and command have: AWS Batch limits both to 30 KiB."""

_DECISIVE = ("PYTHON", "LD_", "MALLOC_", "GLIBC_", "LC_", "LANG", "TZ", "AWS_DATA_PATH", "BOTO")
"""What variables begin with that a Python or boto3 reads once, when it starts."""

_SESSION = frozenset(
    {"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"}
)


def main() -> None:
    """Serve until the cloud is gone; in a task's process, run the runner."""
    runner = sys.argv[1]
    orders = _take_socket()
    environment = given_environment()
    added = {name: value for name, value in os.environ.items() if name not in environment}
    _load(runner)
    # A keeper that has ended needs nobody to collect it.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    can_fork = _threads() == 1
    order = _serve(orders, environment if can_fork else None)
    if order is not None:
        os.environ.update(added)
        _end(_exit_code(order))


def _serve(orders: socket.socket, environment: Mapping[str, str] | None) -> Order | None:
    """Start what is ordered; return the order in the process that is to be its task."""
    while True:
        message, received, _, _ = socket.recv_fds(orders, MAX_MESSAGE, 2)
        if not message:
            return None
        order = _order(message, environment)
        if os.fork() == 0:
            orders.close()
            output, control = received
            Keeper(order, output, socket.socket(fileno=control)).keep()
            return order
        for descriptor in received:
            os.close(descriptor)


def _order(message: bytes, environment: Mapping[str, str] | None) -> Order:
    """Return an order, `in_process` only where that makes no difference to the task."""
    given = json.loads(message)
    is_same = environment is not None and decisive(environment) == decisive(given["environment"])
    return Order(**{**given, "in_process": given["in_process"] and is_same})


def given_environment() -> dict[str, str]:
    """Return the environment that this process was started with.

    Python adds LC_CTYPE to it where the locale is C (PEP 538), and would to a task's.
    """
    with open("/proc/self/environ", "rb") as file:  # noqa: PTH123
        lines = file.read().split(b"\0")
    pairs = (os.fsdecode(line).partition("=") for line in lines if line)
    return {name: value for name, _, value in pairs}


def decisive(environment: Mapping[str, str]) -> Mapping[str, str]:
    """Return the variables that decide what a Python is before its first line of ours."""
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(_DECISIVE) or name in _SESSION
    }


def _take_socket() -> socket.socket:
    orders = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return orders


def _load(runner: str) -> None:
    """Load what every task of the runner would; what can't be, tasks learn for themselves."""
    _forget_ourselves()
    sys.path.insert(0, runner)
    gc.disable()
    with suppress(ImportError):
        import boto3  # noqa: F401, PLC0415 - the user's code may want it
    with suppress(ImportError, AttributeError):
        package = import_module("batchctl.runner")
        for found in pkgutil.iter_modules(package.__path__, "batchctl.runner."):
            if not found.name.endswith("__main__"):
                import_module(found.name)
        # Made and thrown away: the runner's session then has what describes DynamoDB.
        import_module("batchctl.runner.task").botocore_session().create_client(
            "dynamodb",
            region_name="us-east-1",
            endpoint_url="http://127.0.0.1:1",
            aws_access_key_id="none",
            aws_secret_access_key="none",  # noqa: S106 - it is none
        )
    gc.collect()
    # Collecting must not touch, and so copy, what all tasks share.
    gc.freeze()
    gc.enable()


def _threads() -> int:
    return len(os.listdir("/proc/self/task"))  # noqa: PTH208


def _forget_ourselves() -> None:
    """Leave the name `batchctl` to the package in the runner's folder, the one that tasks have."""
    for name in [each for each in sys.modules if each.split(".")[0] == "batchctl"]:
        del sys.modules[name]


def _exit_code(order: Order) -> int:
    """Run the task; return the exit code that Python would end with, having said why."""
    try:
        _run(order)
    except SystemExit as ended:
        if ended.code is None or isinstance(ended.code, int):
            return ended.code or 0
        sys.stderr.write(f"{ended.code}\n")
        return 1
    except BaseException as error:  # noqa: BLE001 - as Python does at its top
        sys.excepthook(type(error), error, error.__traceback__)
        return 1
    return 0


def _end(code: int) -> NoReturn:
    """End as Python does, but for taking all that is loaded to pieces, which takes 30 ms."""
    vars(threading)["_shutdown"]()
    vars(atexit)["_run_exitfuncs"]()
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # it may be closed
            stream.flush()
    os._exit(code & 0xFF)


def _run(order: Order) -> None:
    """Run the runner's folder as `python -P FOLDER` does."""
    _, _, folder, *arguments = order.command
    sys.argv = [folder, *arguments]
    sys.path[0] = os.path.abspath(folder)  # noqa: PTH100
    _correct_remembered_folder()
    spec = PathFinder.find_spec("__main__", [sys.path[0]])
    if spec is None or spec.loader is None:
        sys.exit(f"{sys.executable}: can't find '__main__' module in {folder!r}")
    module = sys.modules["__main__"] = module_from_spec(spec)
    spec.loader.exec_module(module)


def _correct_remembered_folder() -> None:
    """Multiprocessing keeps the working directory that it was imported in, for its children."""
    loaded = sys.modules.get("multiprocessing.process")
    if loaded is not None:
        loaded.ORIGINAL_DIR = os.getcwd()  # type: ignore[attr-defined]  # noqa: PTH109


if __name__ == "__main__":
    main()
