"""The compute image, really built and pushed to the local cloud's ECR; jobs run in containers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from application import Application
from former_compute import write_former_compute
from podman_here import Podman, temporary_podman, why_not
from python_image import IMAGE, import_python

from batchctl.image.assembly import assembled
from batchctl.image.completion import complete
from batchctl.image.context import read_context

pytestmark = [
    pytest.mark.e2e,
    # tests/local/test_cloud_containers.py has jobs in containers, tests/image what podman is told.
    pytest.mark.exhaustive,
    pytest.mark.skipif(bool(why_not()), reason=f"podman can't run: {why_not()}"),
]

CONFIG = f"""
compute: {{base_image: "{IMAGE}", builder: podman, memory_mib: 256}}
"""
COMPUTE = """
def compute(item: str, parameters: dict) -> dict:
    return {"item": item, "version": 1}
"""


@dataclass(frozen=True)
class Builds:
    """An application whose image podman builds, and what podman was told."""

    application: Application
    podman: Podman
    calls: Path

    def count(self, verb: str) -> int:
        """How often podman was told to build, push or create since the last `forget`."""
        lines = self.calls.read_text().splitlines() if self.calls.exists() else []
        return sum(f" {verb} " in line for line in lines)

    def forget(self) -> None:
        self.calls.unlink(missing_ok=True)

    def results(self, job_id: str, *items: str) -> dict[str, object]:
        """Run a job to its end and return its results by item."""
        universe = ",".join(items)
        self.application.local("submit", "--job-id", job_id, "--universe", universe, "--wait")
        told = self.application.local("results", job_id, "--format", "json").stdout
        return {each["item"]: each["result"] for each in json.loads(told)}

    def revisions(self) -> list[str]:
        """The images of the job definition's active revisions, the newest first."""
        batch = self.application.client("batch")
        found = batch.describe_job_definitions(status="ACTIVE")["jobDefinitions"]
        found.sort(key=lambda each: each["revision"], reverse=True)
        return [each["containerProperties"]["image"] for each in found]

    def digests(self) -> set[str]:
        """The images that ECR holds."""
        ecr = self.application.client("ecr")
        found = ecr.describe_images(repositoryName="batchapp-compute")["imageDetails"]
        return {each["imageDigest"] for each in found}


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builds]:
    """An application with a compute/ of its own, up, with its tasks in containers."""
    application = Application.make(tmp_path_factory.mktemp("application"), CONFIG)
    calls = tmp_path_factory.mktemp("calls") / "calls"
    config = application.folder / "config.yaml"
    config.write_text(config.read_text().replace("local: {", "local: {executor: container, "))
    (application.folder / "compute").mkdir()
    (application.folder / "compute" / "compute.py").write_text(COMPUTE)
    with temporary_podman() as podman, pytest.MonkeyPatch.context() as patch:
        import_python(podman)
        for name, value in podman.environment(calls).items():
            patch.setenv(name, value)
        try:
            application.local("up", "--yes")
            yield Builds(application, podman, calls)
        finally:
            application.run("local", "stop")


def test_up_builds_and_pushes_once_and_a_job_runs_in_containers_from_the_digest(
    builds: Builds,
) -> None:
    assert (builds.count("build"), builds.count("push")) == (1, 1)
    (image,) = builds.revisions()
    assert {image.partition("@")[2]} == builds.digests()
    builds.forget()
    assert builds.results("first", "A", "B") == {
        "A": {"item": "A", "version": 1},
        "B": {"item": "B", "version": 1},
    }
    created = [line for line in builds.calls.read_text().splitlines() if " create " in line]
    assert len(created) == 2
    assert all(f" {image} " in line for line in created)
    assert builds.podman.containers() == []


def test_a_second_up_builds_and_pushes_nothing(builds: Builds) -> None:
    builds.forget()
    assert "no changes" in builds.application.local("up", "--yes").stderr
    assert (builds.count("build"), builds.count("push")) == (0, 0)


def test_a_change_of_compute_py_alone_is_one_push_one_revision_and_nothing_else(
    builds: Builds,
) -> None:
    builds.forget()
    before = builds.revisions()
    source = builds.application.folder / "compute" / "compute.py"
    source.write_text(COMPUTE.replace("1", "2"))
    plan = json.loads(builds.application.local("plan", "--json").stdout)
    changing = {each["address"] for each in plan["steps"] if each["action"] not in {"=", "no-op"}}
    assert changing == {"image.compute", "job_definition.compute"}
    builds.application.local("up", "--yes")
    assert (builds.count("build"), builds.count("push")) == (1, 1)
    assert builds.revisions()[1:] == before
    assert builds.results("second", "A") == {"A": {"item": "A", "version": 2}}
    assert "no changes" in builds.application.local("plan").stdout


def with_compute(builds: Builds, files: dict[str, str]) -> str:
    """Put these files in the place of compute/, and bring it up; return what `up` says."""
    folder = builds.application.folder / "compute"
    shutil.rmtree(folder)
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    return builds.application.local("up", "--yes").stderr


def test_requirements_are_installed_and_modules_hide_none_of_those_that_boto3_needs(
    builds: Builds,
) -> None:
    files = {
        "requirements.txt": "-c constraints.txt\nurllib3\n",
        "constraints.txt": "urllib3>=1\n",
        "email.py": "raise SystemExit('hidden')",
        "queue.py": "raise SystemExit('hidden')",
        "prices_reader.py": "def read(): return open('prices.csv').read()",
        "prices.csv": "42",
        "compute.py": "import prices_reader, queue\n"
        "def compute(item, parameters): return {'prices': prices_reader.read()}",
    }
    with_compute(builds, files)
    assert builds.results("hidden", "A") == {"A": {"prices": "42"}}


def test_a_dockerfile_of_the_users_own_copies_the_runner_to_where_it_works(
    builds: Builds,
) -> None:
    dockerfile = f"""
FROM {IMAGE}
WORKDIR /srv/work
COPY .batchctl-runner .batchctl-runner
COPY compute.py .
ENV PYTHONPATH=/site:/srv/work
"""
    shown = with_compute(builds, {"Dockerfile": dockerfile, "compute.py": COMPUTE})
    assert "WARNING" not in shown.replace("WARNING: once deployed", "")
    assert builds.results("own", "A") == {"A": {"item": "A", "version": 1}}


def test_a_project_of_an_older_version_works_and_is_told_what_to_delete(builds: Builds) -> None:
    folder = builds.application.folder / "compute"
    shutil.rmtree(folder)
    write_former_compute(folder, COMPUTE)
    shown = builds.application.local("up", "--yes").stderr
    assert "no longer used: delete them with `rm compute/Dockerfile compute/README.md " in shown
    assert builds.results("former", "A") == {"A": {"item": "A", "version": 1}}


def test_an_image_that_was_built_elsewhere_runs_its_own_command(
    builds: Builds, tmp_path: Path
) -> None:
    compute = tmp_path / "compute"
    compute.mkdir()
    (compute / "compute.py").write_text(COMPUTE.replace("1", "3"))
    build = ("build", "--tag", "localhost/elsewhere:1", f"--build-arg=BASE={IMAGE}")
    with assembled(complete(read_context(compute), compute), tmp_path) as (context, _):
        builds.podman.run(*build, str(context))
    config = builds.application.folder / "config.yaml"
    settings = config.read_text().replace(
        "compute: {", 'compute: {image: "localhost/elsewhere:1", '
    )
    config.write_text(settings)
    builds.application.local("up", "--yes")
    assert builds.results("elsewhere", "A") == {"A": {"item": "A", "version": 3}}
