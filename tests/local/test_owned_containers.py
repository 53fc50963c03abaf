"""The commands that an engine is given, by one that only notes them."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from attempt_doubles import Groups

from batchctl.image.container_engine import ContainerEngine
from batchctl.image.running import EngineError
from batchctl.local.batch.running.container_executor import ContainerExecutor, Registry, in_registry
from batchctl.local.batch.running.executor import StartError
from batchctl.local.batch.running.task import Outcome, Task
from batchctl.local.owned_containers import OwnedContainers
from batchctl.local.reaper import Reaper

REGISTRY = "127.0.0.1:4566"
ECR = "000000000000.dkr.ecr.us-east-1.amazonaws.com"
TASK = Task("1", "job-1", f"{ECR}/compute@sha256:1", ("work",), {}, None, 1, 64, "/group", "stream")
STATE = {"StartedAt": "2026-11-24T00:00:00Z", "Running": False, "ExitCode": 0}

# Notes its arguments and its secret, and answers the verb with what is in the file of its name.
SCRIPT = """#!/bin/sh
echo "$*" >> {folder}/calls
if [ "$1" = login ]; then cat > {folder}/password; fi
echo "$1 ${{AWS_SECRET_ACCESS_KEY:-none}}" >> {folder}/secrets
if [ -f "{folder}/$1.fails" ]; then cat "{folder}/$1.fails" >&2; exit 125; fi
if [ -f "{folder}/$1" ]; then cat "{folder}/$1"; fi
"""


class NotingEngine:
    """An engine called podman or docker, whose answers are files."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder = folder
        self.program = folder / "bin" / kind
        self.program.parent.mkdir()
        self.program.write_text(SCRIPT.format(folder=folder))
        self.program.chmod(0o755)
        (folder / "--version").write_text(f"{kind} version 5\n")
        self.answer("inspect", STATE)
        self.engine = ContainerEngine.parse(str(self.program))
        self.groups = Groups()
        registry = Registry(REGISTRY, lambda: "password-1")
        self.executor = ContainerExecutor(
            OwnedContainers(self.engine, "tests"), registry, self.groups
        )

    def answer(self, verb: str, state: Mapping[str, object]) -> None:
        (self.folder / verb).write_text(json.dumps(state))

    def fail(self, verb: str, text: str) -> None:
        (self.folder / f"{verb}.fails").write_text(text)

    def mend(self, verb: str) -> None:
        (self.folder / f"{verb}.fails").unlink()

    def calls(self, verb: str) -> list[list[str]]:
        lines = (self.folder / "calls").read_text().splitlines()
        return [line.split() for line in lines if line.split()[0] == verb]

    def run(self, task: Task = TASK, **environment: str) -> Outcome:
        process = self.executor.start(task, environment)
        with process.output:
            return process.wait()


@pytest.fixture
def podman(tmp_path: Path) -> NotingEngine:
    return NotingEngine(tmp_path, "podman")


@pytest.fixture
def docker(tmp_path: Path) -> NotingEngine:
    return NotingEngine(tmp_path, "docker")


@pytest.mark.parametrize(
    ("image", "local"),
    [
        (f"{ECR}/compute:1", f"{REGISTRY}/compute:1"),
        (
            "1" * 12 + ".dkr.ecr.cn-north-1.amazonaws.com.cn/a/b@sha256:2",
            f"{REGISTRY}/a/b@sha256:2",
        ),
        ("public.ecr.aws/docker/library/python:3.13", "public.ecr.aws/docker/library/python:3.13"),
        ("registry.example/000000000000.dkr.ecr.x:1", "registry.example/000000000000.dkr.ecr.x:1"),
        (f"{REGISTRY}/compute:1", f"{REGISTRY}/compute:1"),
    ],
)
def test_only_an_image_of_ecr_is_looked_for_in_the_local_registry(image: str, local: str) -> None:
    assert in_registry(image, REGISTRY) == local


def test_credentials_reach_the_container_but_no_command_line(podman: NotingEngine) -> None:
    podman.run(AWS_SECRET_ACCESS_KEY="top-secret", COLOUR="green")
    (create,) = podman.calls("create")
    assert "AWS_SECRET_ACCESS_KEY" in create
    assert "COLOUR=green" in create
    assert "top-secret" not in (podman.folder / "calls").read_text()
    secrets = (podman.folder / "secrets").read_text().splitlines()
    assert [line for line in secrets if "top-secret" in line] == ["create top-secret"]


def test_an_image_that_is_here_is_not_pulled(podman: NotingEngine) -> None:
    podman.run()
    assert podman.calls("pull") == []


def test_an_image_of_the_local_registry_is_pulled_once_and_over_http(podman: NotingEngine) -> None:
    podman.fail("image", "no such image")
    podman.run()
    podman.run(replace(TASK, id="2"))
    assert podman.calls("pull") == [["pull", "--tls-verify=false", f"{REGISTRY}/compute@sha256:1"]]
    user = ["login", "--username", "AWS", "--password-stdin"]
    assert podman.calls("login") == [[*user, "--tls-verify=false", REGISTRY]]
    assert (podman.folder / "password").read_text() == "password-1"


def test_docker_knows_by_itself_how_to_speak_with_the_local_registry(docker: NotingEngine) -> None:
    docker.fail("image", "no such image")
    docker.run()
    assert docker.calls("pull") == [["pull", f"{REGISTRY}/compute@sha256:1"]]
    user = ["login", "--username", "AWS", "--password-stdin"]
    assert docker.calls("login") == [[*user, REGISTRY]]


def test_another_registry_is_spoken_with_as_the_engine_is_set_up(podman: NotingEngine) -> None:
    podman.fail("image", "no such image")
    podman.run(replace(TASK, image="registry.example/tool:1"))
    assert podman.calls("pull") == [["pull", "registry.example/tool:1"]]
    assert podman.calls("login") == []


def test_a_pull_that_fails_is_said_and_tried_again_by_the_next_task(podman: NotingEngine) -> None:
    podman.fail("image", "no such image")
    podman.fail("pull", "trying ...\nmanifest unknown")
    for _ in range(2):
        with pytest.raises(StartError, match=r"^CannotPullContainerError: .*: manifest unknown$"):
            podman.run()
    assert len(podman.calls("pull")) == 2


def test_an_image_that_was_deleted_here_is_pulled_by_the_next_task(podman: NotingEngine) -> None:
    podman.run()
    podman.fail("image", "no such image")
    podman.fail("create", "image not known")
    with pytest.raises(StartError, match=r"^CannotStartContainerError: image not known$"):
        podman.run(replace(TASK, id="2"))
    podman.mend("create")
    podman.run(replace(TASK, id="3"))
    assert len(podman.calls("pull")) == 1


def test_a_container_that_nobody_can_look_at_has_no_exit_code(podman: NotingEngine) -> None:
    podman.fail("inspect", "no such container")
    assert podman.run() == Outcome(reason="CannotInspectContainerError: no such container")


def test_a_container_whose_client_died_has_no_exit_code_and_is_removed(
    podman: NotingEngine,
) -> None:
    podman.answer("inspect", STATE | {"Running": True})
    assert podman.run() == Outcome(
        reason="CannotInspectContainerError: the engine's client has ended"
    )
    assert podman.calls("rm") == [["rm", "--force", "--volumes", "batchctl-1"]]


def test_an_engine_that_is_gone_is_named(tmp_path: Path) -> None:
    containers = OwnedContainers.parse(str(tmp_path / "podman"), "tests")
    with pytest.raises(EngineError, match="No such file or directory"):
        containers.create("name", ["image"])


def test_the_reaper_does_not_go_on_for_ever_with_what_it_cannot_remove(
    podman: NotingEngine,
) -> None:
    (podman.folder / "ps").write_text("stubborn\n")
    Reaper(shlex.join(podman.engine.command()), "tests").close()
    assert podman.calls("rm") == [["rm", "--force", "--volumes", "stubborn"]]


def test_a_command_under_way_ends_with_the_process_group_of_the_cloud(tmp_path: Path) -> None:
    engine = tmp_path / "podman"
    engine.write_text("#!/bin/sh\nps -o pgid= -p $$\n")
    engine.chmod(0o755)
    assert OwnedContainers.parse(str(engine), "tests").names() == [str(os.getpgrp())]
    assert OwnedContainers(ContainerEngine.parse(str(engine)), "tests").names() != [
        str(os.getpgrp())
    ]


def test_a_warning_of_the_engine_is_no_part_of_its_answer(podman: NotingEngine) -> None:
    text = podman.program.read_text()
    podman.program.write_text(f"{text}echo 'WARN[0000] using cgroups v1' >&2\n")
    assert podman.run() == Outcome(exit_code=0)
