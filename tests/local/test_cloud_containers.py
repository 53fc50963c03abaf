"""A really started local cloud that runs its jobs in containers, from the image in its ECR."""

from __future__ import annotations

import base64
import os
import shlex
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from local_cloud import ENDED, Cloud, build, eventually, new_settings, register
from podman_here import SHELL_PROGRAMS, Podman, temporary_podman, why_not

from batchctl.local.batch.running.memory import OUT_OF_MEMORY
from batchctl.local.control import process
from batchctl.local.control.process import Settings

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(bool(why_not()), reason=f"podman can't run: {why_not()}"),
]

REPOSITORY = "batchapp-compute"


@pytest.fixture(scope="module")
def podman() -> Iterator[Podman]:
    with temporary_podman() as podman:
        yield podman


@pytest.fixture(scope="module")
def settings(podman: Podman, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of a cloud that runs tasks in containers; at the end it is stopped."""
    plain = new_settings(tmp_path_factory.mktemp("local"))
    settings = replace(plain, engine=shlex.join(podman.command))
    yield settings
    process.stop(settings.directory)


@pytest.fixture(scope="module")
def cloud(podman: Podman, settings: Settings) -> Cloud:
    """A cloud whose job definition `compute` names an image of its ECR by digest."""
    cloud = Cloud(process.start(settings))
    build(cloud)
    register(cloud, "compute", image=pushed(cloud, podman))
    return cloud


def pushed(cloud: Cloud, podman: Podman) -> str:
    """Push an image with a shell to the cloud's ECR, and forget it here; return its URI."""
    made = cloud.ecr.create_repository(repositoryName=REPOSITORY)["repository"]
    reference = f"127.0.0.1:{cloud.running.gateway_port}/{REPOSITORY}:1"
    podman.import_programs(reference, *SHELL_PROGRAMS)
    token = cloud.ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    login = f"--creds={base64.b64decode(token).decode()}"
    podman.run("push", "--quiet", "--tls-verify=false", login, reference)
    podman.run("rmi", "--force", reference)
    (image,) = cloud.ecr.describe_images(repositoryName=REPOSITORY)["imageDetails"]
    return f"{made['repositoryUri']}@{image['imageDigest']}"


def test_an_array_runs_in_containers_from_the_digest_that_ecr_holds(
    cloud: Cloud, podman: Podman
) -> None:
    assert podman.run("images", "--quiet") == ""
    command = ["sh", "-c", "echo index $AWS_BATCH_JOB_ARRAY_INDEX in $(cat /proc/self/cgroup)"]
    job_id = cloud.submit(command, arrayProperties={"size": 3})

    assert cloud.wait(job_id, *ENDED)["status"] == "SUCCEEDED"

    for index in range(3):
        log = " ".join(cloud.log(f"{job_id}:{index}"))
        assert log.startswith(f"index {index} in ")
        assert "libpod" in log
    assert podman.containers() == []


def test_the_image_may_be_named_by_the_registrys_own_address(cloud: Cloud, podman: Podman) -> None:
    podman.run("rmi", "--all", "--force")
    address = f"127.0.0.1:{cloud.running.gateway_port}/{REPOSITORY}:1"
    register(cloud, "by-address", image=address)
    job_id = cloud.submit(["true"], jobDefinition="by-address")
    assert cloud.wait(job_id, *ENDED)["status"] == "SUCCEEDED"


def test_a_job_that_takes_too_much_memory_fails_with_137_and_batchs_reason(cloud: Cloud) -> None:
    overrides = {
        "command": ["sh", "-c", "head -c 200m /dev/zero | tail -c 150m >/dev/null; exit $?"],
        "resourceRequirements": [{"type": "MEMORY", "value": "64"}],
    }
    job_id = cloud.submit([], containerOverrides=overrides)
    job = cloud.wait(job_id, *ENDED)
    assert job["status"] == "FAILED"
    assert job["statusReason"] == "Essential container in task exited"
    assert job["container"]["exitCode"] == 137
    assert job["container"]["reason"] == OUT_OF_MEMORY


def test_an_image_that_ecr_lacks_is_tried_again_as_on_aws(cloud: Cloud) -> None:
    uri = cloud.ecr.describe_repositories()["repositories"][0]["repositoryUri"]
    register(cloud, "missing", image=f"{uri}:no-such-tag")
    job_id = cloud.submit(["true"], jobDefinition="missing", retryStrategy={"attempts": 2})
    job = cloud.wait(job_id, *ENDED)
    assert job["statusReason"] == "Task failed to start"
    assert job["container"]["reason"].startswith("CannotPullContainerError: ")
    assert len(job["attempts"]) == 2


def test_a_cloud_that_is_killed_leaves_no_container(
    cloud: Cloud, podman: Podman, settings: Settings
) -> None:
    job_id = cloud.submit(["sleep", "600"])
    cloud.wait(job_id, "RUNNING")
    eventually(podman.containers, lambda found: len(found) == 1)
    os.kill(cloud.running.pid, signal.SIGKILL)
    eventually(podman.containers, lambda found: not found)
    assert process.status(settings.directory) is None


def test_a_cloud_that_is_stopped_leaves_no_container(
    podman: Podman, settings: Settings, tmp_path: Path
) -> None:
    other = replace(new_settings(tmp_path), engine=settings.engine)
    cloud = Cloud(process.start(other))
    try:
        build(cloud)
        register(cloud, "compute", image=pushed(cloud, podman))
        command = ["sh", "-c", "trap 'exit 0' TERM; sleep 600 & wait"]
        job_id = cloud.submit(command, arrayProperties={"size": 2})
        eventually(podman.containers, lambda found: len(found) == 2)
        cloud.wait(f"{job_id}:0", "RUNNING")
    finally:
        process.stop(other.directory)
    assert podman.containers() == []
