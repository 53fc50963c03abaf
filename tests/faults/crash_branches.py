"""Branches of one run: at a call the process forks, and the child goes another way to its end.

So all that came before a call is run once, and a kill is one: the child that is "killed" does
nothing more of that run, it begins a new one from the state on disk, in a folder of its own. The
AWS in memory is forked with the process. As many branches run at once as there are processors.
"""

from __future__ import annotations

import faulthandler
import gc
import json
import os
import shutil
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from batchctl.aws.workers import Threads

Call = Callable[[], Any]
# Is given the number of the call (from 1), `service.Operation` and the call, which it may make.
Watch = Callable[[int, str, Call], Any]

# Hundreds of times what a branch takes: on a busy machine 60 s have been too few.
HANGS_AFTER_S = 300
# A thread that an earlier test left behind has no part in what the branches do.
WITH_THREADS_ELSEWHERE = "ignore:This process .* is multi-threaded:DeprecationWarning"


def is_read(operation: str) -> bool:
    """Whether `service.Operation` changes nothing."""
    return operation.partition(".")[2].startswith(("Get", "List", "Describe", "Query", "Scan"))


class OneByOne(Executor):
    """Runs what is submitted at once and in this thread, so that calls have the same order always.

    A process that forks must not have other threads.
    """

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def submit(self, function: Any, /, *arguments: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(function(*arguments, **named))
        except BaseException as error:  # noqa: BLE001 - as any executor
            future.set_exception(error)
        return future


def run_one_by_one(patch: pytest.MonkeyPatch) -> None:
    """Have all that a run does at the same time done at once and in this thread."""
    patch.setattr(Threads, "begin", OneByOne.submit)
    for module in ("concurrently", "session"):
        patch.setattr(f"batchctl.aws.{module}.ThreadPoolExecutor", OneByOne)


class Calls:
    """Every API call passes through here; `watch` may do something before and after it."""

    def __init__(self) -> None:
        self.watch: Watch | None = None
        self.made: list[str] = []
        self._make = vars(BaseClient)["_make_api_call"]

    def make(self, client: Any, operation: str, parameters: Any) -> Any:
        """Take the place of `BaseClient._make_api_call`."""
        name = f"{client.meta.service_model.service_name}.{operation}"
        self.made.append(name)

        def call() -> Any:
            with _as_aws_refuses(name):
                return self._make(client, operation, parameters)

        return self.watch(len(self.made), name, call) if self.watch else call()

    def during(self, run: Callable[[], Any], watch: Watch | None = None) -> Any:
        """Return what `run` returns, with its calls counted and watched."""
        self.made, self.watch = [], watch
        try:
            return run()
        finally:
            self.watch = None


@contextmanager
def _as_aws_refuses(operation: str) -> Iterator[None]:
    """Answer as AWS does where moto breaks: to take a role out of a profile that it is not in."""
    try:
        yield
    except ValueError as error:
        if operation != "iam.RemoveRoleFromInstanceProfile":
            raise
        answer: Any = {"Error": {"Code": "NoSuchEntity", "Message": "no such role in it"}}
        raise ClientError(answer, "RemoveRoleFromInstanceProfile") from error


class Branches:
    """The children of this process, and what went wrong in them."""

    def __init__(self) -> None:
        self.in_child: str | None = None
        self.begun = 0
        self.failures: list[str] = []
        self._running: dict[int, tuple[str, Path]] = {}

    def split(self, name: str) -> bool:
        """Fork; return True in the child, which then has a copy of the folder as its current one.

        Whoever gets True must come to `end`.
        """
        while len(self._running) >= (os.cpu_count() or 1):
            self._wait_for_one()
        self.begun += 1
        copy = Path("..") / f"branch-{self.begun}"
        shutil.copytree(Path.cwd(), copy)
        child = os.fork()
        if child:
            self._running[child] = (name, copy)
            return False
        os.chdir(copy)
        report = Path("failure").open("w", encoding="utf-8")  # noqa: SIM115 - the process ends with it
        faulthandler.dump_traceback_later(HANGS_AFTER_S, exit=True, file=report)
        gc.disable()  # it lives too briefly to have garbage to collect
        self.in_child = name
        return True

    def end(self, check: Callable[[], None]) -> NoReturn:
        """End the child: well when `check` raises nothing."""
        status = 0
        try:
            check()
        except BaseException:  # noqa: BLE001 - whatever it is, it is a failure of this branch
            Path("failure").write_text(traceback.format_exc(limit=-6), encoding="utf-8")
            status = 1
        finally:
            os._exit(status)

    def then(self, run: Callable[[], None], check: Callable[[], None]) -> None:
        """Run, and check what came of it, in this process and in each branch that leaves it."""
        try:
            run()
            check()
        except BaseException as error:
            if self.in_child is None:
                raise
            self.end(_raising(error))
        if self.in_child is not None:
            self.end(lambda: None)

    def undisturbed(self, run: Callable[[], object], outcome: Callable[[], Any]) -> Any:
        """Return the outcome (as JSON has it) of a run that happens in a branch only."""
        recorded = Path("..") / "undisturbed.json"

        def run_and_record() -> None:
            run()
            recorded.write_text(json.dumps(outcome()), encoding="utf-8")

        if self.split("undisturbed"):
            self.end(run_and_record)
        assert self.gather() == []
        return json.loads(recorded.read_text(encoding="utf-8"))

    def gather(self) -> list[str]:
        """Wait for all; return what failed, each with its branch's name and its error."""
        while self._running:
            self._wait_for_one()
        return self.failures

    def _wait_for_one(self) -> None:
        # Not whichever ends first: other tests' processes are children of this one, too.
        child = next(iter(self._running))
        name, folder = self._running.pop(child)
        _, status = os.waitpid(child, 0)
        if status != 0:
            report = folder / "failure"
            why = report.read_text(encoding="utf-8") if report.exists() else f"it died ({status})"
            self.failures.append(f"{name}: {why}")
        shutil.rmtree(folder)


def _raising(error: BaseException) -> Callable[[], None]:
    def check() -> None:
        raise error

    return check
