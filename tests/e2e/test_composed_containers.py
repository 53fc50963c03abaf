"""The image as it is made by default, without an engine; jobs run in containers of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from application import Application
from podman_here import temporary_podman, why_not
from python_image import IMAGE, import_python
from registry_double import RegistryDouble, serving
from saved_base import serve_saved
from wheels import write_wheel

pytestmark = [
    pytest.mark.e2e,
    # tests/image/test_composed_podman.py runs such an image, tests/local/test_cloud_containers.py
    # has jobs in containers.
    pytest.mark.exhaustive,
    pytest.mark.skipif(bool(why_not()), reason=f"podman can't run: {why_not()}"),
]

COMPUTE = """
import arithmetic

def compute(item: str, parameters: dict) -> dict:
    return {"item": item, "package": arithmetic.VERSION, "version": 1}
"""


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """An application with packages and a base image from the tests' own registry, up."""
    folder = tmp_path_factory.mktemp("application")
    index = tmp_path_factory.mktemp("index")
    write_wheel(index, "arithmetic", "1.5")
    # The base image has the real one.
    write_wheel(index, "boto3", "1.43.0", module="boto3_is_in_the_base")
    (folder / "compute").mkdir()
    (folder / "compute" / "compute.py").write_text(COMPUTE)
    (folder / "compute" / "requirements.txt").write_text("arithmetic\n")
    with (
        serving(RegistryDouble()) as public,
        temporary_podman() as podman,
        pytest.MonkeyPatch.context() as patch,
    ):
        import_python(podman)
        base = serve_saved(podman, IMAGE, public, "library/python")
        made = Application.make(
            folder, f'compute: {{base_image: "{base}", builder_options: [], memory_mib: 256}}\n'
        )
        config = folder / "config.yaml"
        config.write_text(config.read_text().replace("local: {", "local: {executor: container, "))
        calls = tmp_path_factory.mktemp("calls") / "calls"
        settings = {
            **podman.environment(calls),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(index),
            "PIP_CONFIG_FILE": "/dev/null",
            "XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache")),
        }
        for name, value in settings.items():
            patch.setenv(name, value)
        try:
            made.local("up", "--yes")
            assert not any(f" {verb} " in calls.read_text() for verb in ("build", "push"))
            yield made
        finally:
            made.run("local", "stop")


def results(application: Application, job_id: str, *items: str) -> dict[str, object]:
    """Run a job to its end and return its results by item."""
    universe = ",".join(items)
    application.local("submit", "--job-id", job_id, "--universe", universe, "--wait")
    found = application.local("results", job_id, "--format", "json").stdout
    return {each["item"]: each["result"] for each in json.loads(found)}


def test_a_job_runs_in_containers_of_the_image_with_its_packages(application: Application) -> None:
    expected = {"package": "1.5", "version": 1}
    assert results(application, "first", "A", "B") == {
        item: {"item": item, **expected} for item in ("A", "B")
    }
    assert "no changes" in application.local("up", "--yes").stderr


def test_a_changed_compute_py_is_one_small_layer_and_runs(application: Application) -> None:
    source = Path(application.folder, "compute", "compute.py")
    source.write_text(COMPUTE.replace('"version": 1', '"version": 2'))
    shown = application.local("up", "--yes").stderr
    assert "image: compute (0 kB) to build; base image, packages, runner reused" in shown
    assert results(application, "second", "A")["A"] == {
        "item": "A",
        "package": "1.5",
        "version": 2,
    }


def test_its_bill_of_materials_names_the_base_and_the_packages(application: Application) -> None:
    bill = json.loads(application.local("image", "sbom").stdout)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    base, *packages = bill["components"]
    assert base["name"].endswith("/library/python:latest")
    assert [each["purl"] for each in packages] == [
        "pkg:pypi/arithmetic@1.5",
        "pkg:pypi/boto3@1.43.0",
    ]
