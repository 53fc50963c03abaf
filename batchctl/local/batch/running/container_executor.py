"""Runs a job's command in a container, from the image that its job definition names.

An image of this account's ECR comes from MiniStack's registry, by the same digest or tag; any
other is the engine's to find. A container gets what AWS Batch gives one on EC2: the host's network
(AWS Batch User Guide, "Networking modes for AWS Batch jobs"), its memory as a hard limit without
swap, its vCPUs as a share of the processors (AWS Batch API Reference, "ResourceRequirement",
"ContainerProperties" and "LinuxParameters"), its image's user unless the definition names one.
"""

from __future__ import annotations

import re
import resource
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from batchctl.image.running import EngineError
from batchctl.local.batch.running.executor import StartError
from batchctl.local.batch.running.memory import OUT_OF_MEMORY
from batchctl.local.batch.running.task import Outcome, Task
from batchctl.local.owned_containers import OwnedContainers
from batchctl.local.reaper import Watcher

SHARES_OF_A_VCPU = 1024
"""ContainerProperties, AWS Batch API Reference: a vCPU is 1,024 CPU shares."""

OPEN_FILES = 65536
PROCESSES = 32768
"""More than a task needs. An engine's own defaults may exceed what this machine lets it set."""

_ECR = re.compile(r"\d{12}\.dkr[.-]ecr[.a-z0-9-]*\.(amazonaws\.com|amazonaws\.com\.cn|on\.aws)/")
_KILLED = 128 + signal.SIGKILL
_RETRY_S = 0.1


@dataclass(frozen=True)
class Registry:
    """The registry (HOST:PORT) that has ECR's images, and what gives its user's password."""

    host: str
    password: Callable[[], str]


class ContainerExecutor:
    """Runs commands in containers of an engine."""

    def __init__(self, containers: OwnedContainers, registry: Registry, watcher: Watcher) -> None:
        """Pull ECR's images from `registry`; `watcher` ends the engine's clients."""
        self._containers, self._watcher = containers, watcher
        self._images = _Images(containers, registry)

    def start(self, task: Task, environment: Mapping[str, str]) -> _Container:
        """Start the task's container; StartError says why it couldn't be."""
        image = self._images.present(task.image)
        name = f"batchctl-{task.id}"
        # The session's credentials stay out of the engine's command line, which anyone can see.
        secret = {key: value for key, value in environment.items() if key.startswith("AWS_")}
        arguments = [*_limits(task), *_variables(environment, secret), image, *task.command]
        try:
            self._containers.create(name, arguments, secret)
            client = self._containers.engine.start(name)
        except (EngineError, OSError) as error:
            self._images.forget(image)
            raise StartError(f"CannotStartContainerError: {error}") from error
        self._watcher.watch(client.pid)
        return _Container(self._containers, name, client, self._watcher)


class _Images:
    """The images that the engine holds, pulled once however many tasks start together."""

    def __init__(self, containers: OwnedContainers, registry: Registry) -> None:
        self._containers, self._registry = containers, registry
        self._present: set[str] = set()
        self._lock = threading.Lock()

    def present(self, image: str) -> str:
        """Return the engine's name of an image that it now holds; StartError when it can't."""
        local = in_registry(image, self._registry.host)
        with self._lock:
            if local not in self._present:
                self._fetch(local)
                self._present.add(local)
        return local

    def forget(self, image: str) -> None:
        """Inspect an image again for the next task: somebody may have deleted it here."""
        with self._lock:
            self._present.discard(image)

    def _fetch(self, image: str) -> None:
        try:
            if self._containers.engine.has_image(image):
                return
            if image.startswith(f"{self._registry.host}/"):
                self._containers.pull_from_here(image, self._registry.password())
            else:
                self._containers.pull(image)
        except EngineError as error:
            raise StartError(f"CannotPullContainerError: {image}: {error}") from error


class _Container:
    """A started container, and the engine's client that brings its output."""

    def __init__(
        self,
        containers: OwnedContainers,
        name: str,
        client: subprocess.Popen[bytes],
        watcher: Watcher,
    ) -> None:
        self._containers, self._name = containers, name
        self._client, self._watcher = client, watcher
        if client.stdout is None:
            raise StartError("CannotStartContainerError: the container has no output pipe")
        self.output: IO[bytes] = client.stdout
        self._was_killed = False

    def has_ended(self) -> bool:
        return self._client.poll() is not None

    def wait(self) -> Outcome:
        self._client.wait()
        self._watcher.forget(self._client.pid)
        try:
            return self._outcome()
        finally:
            self._containers.engine.remove(self._name)

    def send_signal(self, number: int) -> None:
        if self.has_ended():
            return
        self._was_killed = self._was_killed or number == signal.SIGKILL
        # The engine's command takes a moment, and whoever stops a task doesn't wait.
        name = f"signal-{self._name}"
        threading.Thread(target=self._deliver, args=(number,), name=name, daemon=True).start()

    def _deliver(self, number: int) -> None:
        # A container that is only about to start can't be signalled yet.
        while not self._containers.engine.send_signal(self._name, number):
            with suppress(subprocess.TimeoutExpired):
                self._client.wait(_RETRY_S)
                return

    def _outcome(self) -> Outcome:
        try:
            state = self._containers.state(self._name)
        except EngineError as error:
            return Outcome(reason=f"CannotInspectContainerError: {error}")
        if not state.was_started:
            reason = "CannotStartContainerError: the last line of its log says why"
            return Outcome(reason=reason)
        if state.is_running:
            return Outcome(reason="CannotInspectContainerError: the engine's client has ended")
        # Engines tell of the kernel's kill unreliably (podman on cgroups v1 not at all), but who
        # else would send SIGKILL?
        is_out_of_memory = state.exit_code == _KILLED and not self._was_killed
        return Outcome(state.exit_code, OUT_OF_MEMORY if is_out_of_memory else None)


def in_registry(image: str, registry: str) -> str:
    """Return where an image of ECR is in the local registry; any other image as it is."""
    return _ECR.sub(f"{registry}/", image, count=1) if _ECR.match(image) else image


def _limits(task: Task) -> Iterator[str]:
    memory = f"{task.memory_mib}m"
    yield from ("--network", "host", "--log-driver", "none")
    yield from ("--memory", memory, "--memory-swap", memory)
    yield from ("--cpu-shares", str(max(2, round(task.vcpus * SHARES_OF_A_VCPU))))
    for name, kind, most in (
        ("nofile", resource.RLIMIT_NOFILE, OPEN_FILES),
        ("nproc", resource.RLIMIT_NPROC, PROCESSES),
    ):
        limit = _attainable(kind, most)
        yield from ("--ulimit", f"{name}={limit}:{limit}")
    if task.user is not None:
        yield from ("--user", task.user)


def _attainable(kind: int, most: int) -> int:
    hard = resource.getrlimit(kind)[1]
    return most if hard == resource.RLIM_INFINITY else min(hard, most)


def _variables(environment: Mapping[str, str], secret: Mapping[str, str]) -> Iterator[str]:
    for name, value in environment.items():
        yield from ("--env", name if name in secret else f"{name}={value}")
