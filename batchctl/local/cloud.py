"""The local cloud's own process, started by `process.start`, maybe in an environment of its own.

Of what is installed it imports boto3 and MiniStack with what they need, and nothing else. It serves
MiniStack and the load balancer until SIGTERM, then ends all jobs and functions. Nothing is kept:
what was built in it is gone with it.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config

from batchctl.image.container_engine import VARIABLES
from batchctl.local import pictures
from batchctl.local.batch.api.endpoint import Endpoint
from batchctl.local.batch.api.service import Batch, BatchConfig
from batchctl.local.batch.model.scope import Scope
from batchctl.local.batch.running.account import EmulatorAccount
from batchctl.local.batch.running.attempt_runner import AttemptRunner, TaskEnvironment, inherited
from batchctl.local.batch.running.container_executor import ContainerExecutor, Registry
from batchctl.local.batch.running.executor import Executor, ProcessExecutor, TaskFiles
from batchctl.local.control import record, root_secret
from batchctl.local.control.record import ACCESS_KEY_ID, CloudRecord
from batchctl.local.emulator.default_vpc import open_default_vpc
from batchctl.local.emulator.function_slots import slots_of_this_machine
from batchctl.local.emulator.hardening import harden
from batchctl.local.emulator.ministack import HOST, EmulatorConfig, MiniStack, configure
from batchctl.local.emulator.root_clients import RootClients
from batchctl.local.environment.task_python import python_of_tasks
from batchctl.local.events.bus import Bus
from batchctl.local.events.delivery import Delivery
from batchctl.local.events.rules import Rules
from batchctl.local.front.http_front import FrontConfig, HttpFront, Locks
from batchctl.local.front.registry import Passwords
from batchctl.local.front.verifier import Verifier
from batchctl.local.owned_containers import OwnedContainers
from batchctl.local.pictures import Pictures
from batchctl.local.reaper import Reaper
from batchctl.local.tasks.direct import DirectLauncher
from batchctl.local.tasks.folders import TaskFolders
from batchctl.local.tasks.keeping import ForkServer
from batchctl.packaging import runner_files

FUNCTION_TIMEOUT_S = 900.0
"""AWS Lambda Developer Guide, "Lambda quotas": a function runs for 900 seconds at most."""

RUNNER, TASKS, TEMPORARY = "runner", "tasks", "tmp"
"""Folders in the local cloud's directory: the runner, what tasks work in, temporary files."""

STOP_GRACE_S = 5.0
"""How long jobs may take to end when the cloud stops: less than the 30 s of ECS, as a person
waits."""


@dataclass(frozen=True)
class TaskHost:
    """What tasks find here: who ends them with the cloud, their variables, a temporary folder."""

    reaper: Reaper
    variables: dict[str, str]
    temporary: str


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; return the exit code."""
    settings = _settings(arguments)
    command_line, owner = settings["engine"], settings["directory"]
    containers = OwnedContainers.parse(command_line, owner) if command_line else None
    reaper = Reaper(command_line, owner)
    reaper.watch(os.getpgrp())
    host = TaskHost(reaper, inherited(), tempfile.mkdtemp(prefix="batchctl-"))
    reaper.remove_at_end(host.temporary)
    found = {"pid": os.getpid(), "reaper_pid": reaper.pid, "started_at": time.time()}
    running = CloudRecord.from_json(settings | found)
    directory = Path(running.directory)
    _prepare(directory, host.variables)
    configure(EmulatorConfig(directory, running.gateway_port, running.region))
    ministack = MiniStack()
    locks = _locks(ministack, running)
    bus = _bus(running)
    batch = _batch(running, containers, host, bus)
    bus.start()
    # What is loaded by now stays: the collector needn't go through it again and again.
    gc.collect()
    gc.freeze()
    ministack.serve_batch(Endpoint(batch))
    asyncio.run(_serve((ministack, locks), batch, bus, running))
    ministack.stop_functions()
    record.remove(directory)
    root_secret.remove(directory)
    _remove_files(directory)
    return 0


def _locks(ministack: MiniStack, running: CloudRecord) -> Locks:
    passwords = Passwords()
    secret = running.root[1]
    harden(secret, passwords, slots_of_this_machine())
    return Locks(secret, Verifier(secret, ministack.credential_of, time.time), passwords)


async def _serve(
    locked: tuple[MiniStack, Locks], batch: Batch, bus: Bus, running: CloudRecord
) -> None:
    ministack, locks = locked
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)

    async def jobs_ended() -> None:
        # Jobs that end in time still write their results and logs: MiniStack closes after them.
        await stopped.wait()
        bus.close()
        await asyncio.to_thread(batch.close, STOP_GRACE_S)

    config = FrontConfig(
        running.load_balancer_port, ACCESS_KEY_ID, running.region, running.as_json()
    )
    server = Config()
    server.bind = [f"{HOST}:{running.gateway_port}", f"{HOST}:{running.load_balancer_port}"]
    server.keep_alive_timeout = 75
    server.graceful_timeout = 1
    server.loglevel = "WARNING"
    threading.Thread(target=batch.run, name="batch", daemon=True).start()
    front = HttpFront(ministack, batch, config, locks)
    application: Any = front

    async def prepared() -> None:
        try:
            await asyncio.to_thread(open_default_vpc, running)
            front.is_ready = True
        finally:
            if not front.is_ready:
                stopped.set()  # who waits for the cloud learns of it at once

    record.write(running)
    preparing = asyncio.create_task(prepared())
    await serve(application, server, shutdown_trigger=jobs_ended, mode="asgi")
    await preparing


def _bus(running: CloudRecord) -> Bus:
    clients = RootClients(running.endpoint_url, running.region, running.root, FUNCTION_TIMEOUT_S)
    rules = Rules(lambda: clients("events"), time.time)
    return Bus(Scope(running.region, ACCESS_KEY_ID), time.time, rules, Delivery(clients))


def _batch(
    running: CloudRecord, containers: OwnedContainers | None, host: TaskHost, bus: Bus
) -> Batch:
    account = EmulatorAccount(running.endpoint_url, running.region, running.root)
    way = _executor(running, containers, host, account)
    runner = AttemptRunner(account, *way, time.time)
    scope = Scope(running.region, ACCESS_KEY_ID)
    return Batch(BatchConfig(scope, time.time, running.vcpus, account, runner), [bus.observe])


def _executor(
    running: CloudRecord,
    containers: OwnedContainers | None,
    host: TaskHost,
    account: EmulatorAccount,
) -> tuple[Executor, TaskEnvironment]:
    """Return what runs tasks, and their variables: a container gets none of this machine's."""
    url = running.endpoint_url
    if containers is None:
        python = running.python or sys.executable
        runner = _write_runner(Path(running.directory) / RUNNER)
        launcher = (
            ForkServer(python, runner, host.variables, host.reaper)
            if sys.platform == "linux"
            else DirectLauncher(host.reaper)
        )
        files = _task_files(running, runner, host)
        executor = ProcessExecutor(
            launcher,
            files,
            account.image_problem,
            lambda: python_of_tasks(Path(running.directory), python),
        )
        return executor, TaskEnvironment(url, host.variables)
    own = {"AWS_EC2_METADATA_DISABLED": "true"}
    registry = Registry(f"{HOST}:{running.gateway_port}", account.registry_password)
    return ContainerExecutor(containers, registry, host.reaper), TaskEnvironment(url, own)


def _task_files(running: CloudRecord, runner: Path, host: TaskHost) -> TaskFiles:
    directory = Path(running.directory)
    folders = TaskFolders(directory / TASKS, Path(host.temporary), runner)
    return TaskFiles(Pictures(directory, Path(running.compute_directory)), folders)


def _write_runner(folder: Path) -> Path:
    """Write the folder of the runner as an image has it, with nothing else of batchctl in it."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, path in runner_files().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / name)
    return folder


def _remove_files(directory: Path) -> None:
    """Remove what goes with the cloud; one that was killed left it to the next."""
    for name in (RUNNER, TASKS, TEMPORARY):
        shutil.rmtree(directory / name, ignore_errors=True)
    pictures.remove_all(directory)


def _prepare(directory: Path, variables: dict[str, str]) -> None:
    # Functions and MiniStack put their files into a directory that goes with the cloud, and see
    # none of the user's AWS configuration; jobs have this machine's own temporary directory.
    _remove_files(directory)
    temporary = directory / TEMPORARY
    temporary.mkdir(parents=True)
    os.environ |= {
        name: value for name, value in variables.items() if name.startswith(("AWS_", "BOTO"))
    }
    os.environ["TMPDIR"] = str(temporary)
    for name in VARIABLES:
        os.environ.pop(name, None)
    tempfile.tempdir = None


def _settings(arguments: list[str] | None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(prog="batchctl.local.cloud", description=__doc__)
    parser.add_argument("settings", type=json.loads, help="the settings as JSON")
    settings: dict[str, Any] = parser.parse_args(arguments).settings
    return settings


if __name__ == "__main__":
    sys.exit(main())
