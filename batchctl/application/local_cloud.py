"""The local cloud of an application: how it is to run, and started when it is needed."""

from __future__ import annotations

import os
import shlex
import sys

import boto3

from batchctl.application.account import cached_models
from batchctl.application.events import (
    DifferentPython,
    InstallingLocalCloud,
    OnEvent,
    OtherPort,
    StartingLocalCloud,
)
from batchctl.application.image import build_folder, runs_from_picture
from batchctl.application.local_doors import GATEWAY_PORT
from batchctl.application.target import Target
from batchctl.aws.session import Aws, Connection
from batchctl.config import Config
from batchctl.errors import UsageError
from batchctl.image.composed import OWN_PACKAGES
from batchctl.image.dependencies import read_dependencies
from batchctl.image.engine_search import find_engine
from batchctl.local import pictures
from batchctl.local.control.ports import Ports
from batchctl.local.control.process import Settings, start, status
from batchctl.local.control.record import CloudRecord
from batchctl.local.environment.packages import prepare
from batchctl.local.environment.task_python import record_python

LOCAL_REGION = "us-east-1"


def open_local_cloud(
    target: Target, config: Config, ports: Ports, on_event: OnEvent, *, recorded_only: bool
) -> Aws:
    """Return the local cloud as an account, started when it doesn't run."""
    running = _running(target, config, ports, on_event, recorded_only=recorded_only)
    key_id, secret = running.root
    session = boto3.Session(
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        region_name=_region(target, config),
    )
    connection = Connection(
        session,
        endpoint_url=running.endpoint_url,
        through_proxy=False,
        models=cached_models(),
    )
    return Aws(connection, stack=config.name, tags=config.tags)


def _running(
    target: Target, config: Config, ports: Ports, on_event: OnEvent, *, recorded_only: bool
) -> CloudRecord:
    """Return the local cloud; without a config of its own (`recorded_only`) as it runs."""
    running = status(target.local_folder)
    if running is None:
        on_event(StartingLocalCloud())
        _report_ports(config, ports, on_event)
    elif recorded_only:
        return running
    settings = local_settings(target, config, ports)
    return start(settings, lambda text: on_event(InstallingLocalCloud(text)))


def _report_ports(config: Config, ports: Ports, on_event: OnEvent) -> None:
    """Report each port that isn't the one that everybody expects."""
    if config.local.gateway_port == "auto" and ports.gateway != GATEWAY_PORT:
        on_event(OtherPort("AWS", GATEWAY_PORT, ports.gateway))
    if config.local.api_port == "auto" and ports.load_balancer != config.api.port:
        on_event(OtherPort("the API", config.api.port, ports.load_balancer))


def local_settings(target: Target, config: Config, ports: Ports) -> Settings:
    """Return how the local cloud is to run for this application.

    UsageError when this machine has fewer vCPUs than one task asks for: it would wait for ever.
    """
    vcpus = machine_vcpus(config)
    if vcpus < config.compute.vcpus:
        raise UsageError(
            f"could not run tasks here: `compute.vcpus` is {config.compute.vcpus}, "
            f"the local cloud has {vcpus}",
            hint="lower `compute.vcpus`, or set `local.vcpus`: it may exceed what the machine has",
        )
    return Settings(
        directory=target.local_folder,
        gateway_port=ports.gateway,
        load_balancer_port=ports.load_balancer,
        compute_directory=build_folder(target, config),
        region=_region(target, config),
        vcpus=vcpus,
        engine=engine_of(config, status(target.local_folder)),
    )


def machine_vcpus(config: Config) -> int:
    """Return the vCPUs that all tasks of the local cloud share."""
    return config.local.vcpus or os.cpu_count() or 1


def take_picture(target: Target, config: Config, image: str) -> None:
    """Keep what the image of tasks that are processes was named for; nothing where none are.

    BatchctlError when the folder has changed since.
    """
    if runs_from_picture(target, config):
        folder = build_folder(target, config)
        pictures.take(target.local_folder, folder, image, config.compute.include_files)


def prepare_tasks(target: Target, config: Config, on_event: OnEvent) -> None:
    """Make ready the Python of local tasks: with the packages that the image would have.

    Nothing where tasks run in containers, or where the user's own image or Dockerfile says what is
    in it. BatchctlError when packages can't be installed.
    """
    compute = config.compute
    folder = build_folder(target, config)
    has_own = compute.image is not None or (folder / "Dockerfile").is_file()
    if config.local.executor != "process" or has_own:
        record_python(target.local_folder, None)
        return
    here = prepare(
        target.local_folder,
        read_dependencies(folder),
        OWN_PACKAGES,
        compute.python,
        lambda text: on_event(InstallingLocalCloud(text)),
    )
    if here != compute.python and compute.base_image is None:
        on_event(DifferentPython(here, compute.python))


def engine_of(config: Config, running: CloudRecord | None) -> str:
    """Return the command line of the container engine; empty where tasks are processes.

    A cloud that is `running` keeps the engine it has: its options may be those of another shell.
    UsageError off Linux, where containers live in a virtual machine, which doesn't share this
    machine's network with them; BatchctlError when no engine works here.
    """
    if config.local.executor == "process":
        return ""
    if running is not None and running.engine:
        return running.engine
    if sys.platform != "linux":
        raise UsageError(
            "could not run tasks in containers: the local cloud does so on Linux alone",
            hint="set `local.executor: process`",
        )
    builder = config.compute.builder
    # What makes the image without an engine can't run it.
    choice = "auto" if builder == "batchctl" else builder
    return shlex.join(find_engine(choice, config.compute.builder_options).command())


def _region(target: Target, config: Config) -> str:
    return target.region or config.region or LOCAL_REGION
