"""An image that batchctl made itself is one that podman pulls, inspects and runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from podman_here import LIMITS, Podman, temporary_podman, why_not
from python_image import IMAGE, import_python
from registry_double import RegistryDouble, serving
from saved_base import serve_saved

from batchctl.image.composed import ComposedRecipe
from batchctl.image.dependencies import Dependencies
from batchctl.image.installation import PackageTarget
from batchctl.image.oci.transport import Transport
from batchctl.image.recipe import Registry, platform_of
from batchctl.image.running import Watch

pytestmark = [
    pytest.mark.skipif(bool(why_not()), reason=f"podman can't run: {why_not()}"),
]

COMPUTE = """
import json, os, sys
import arithmetic

def compute(item, parameters):
    with open("data/prices.csv") as file:
        prices = file.read().split(",")
    return {"item": item, "sum": arithmetic.add(*map(int, prices)), "user": os.getuid()}

if __name__ == "__main__":
    print(json.dumps(compute(*sys.argv[1:], {})))
"""


def install_arithmetic(
    dependencies: Dependencies, own: Sequence[str], target: PackageTarget, folder: Path, _: Watch
) -> None:
    """Lay out the package that compute.py needs."""
    assert dependencies.lines == ("arithmetic",)
    folder.mkdir()
    (folder / "arithmetic.py").write_text("def add(*numbers): return sum(numbers)\n")


@dataclass(frozen=True)
class Pulled:
    """An image in podman's store, under this name."""

    podman: Podman
    name: str

    def run(self, *command: str) -> str:
        """Run a command in a container of it."""
        options = ("--rm", "--network=host", *LIMITS)
        return self.podman.run("run", *options, self.name, *command)


@pytest.fixture(scope="module")
def pulled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pulled]:
    """The image of a folder on a base of this machine's Python, made, pushed and pulled."""
    folder = tmp_path_factory.mktemp("application")
    compute = folder / "compute"
    (compute / "data").mkdir(parents=True)
    (compute / "compute.py").write_text(COMPUTE)
    (compute / "compute.py").chmod(0o600)
    (compute / "data" / "prices.csv").write_text("1,2,39")
    (compute / "requirements.txt").write_text("arithmetic\n")
    with (
        serving(RegistryDouble()) as public,
        serving(RegistryDouble(password="good")) as ecr,
        temporary_podman() as podman,
    ):
        import_python(podman)
        machine = podman.run("info", "--format", "{{.Host.Arch}}")
        recipe = ComposedRecipe(
            compute,
            platform_of({"amd64": "x86_64"}.get(machine, machine)),
            folder / "cache",
            base_image=serve_saved(podman, IMAGE, public, "library/python"),
            workspace=folder,
            transport=Transport(sleep=lambda _: None),
            installer=install_arithmetic,
        )
        recipe.compose(Registry(f"{ecr.host}/app", lambda: "good"), recipe.contents, Watch())
        name = f"{ecr.host}/app:{recipe.contents}"
        podman.run("pull", "--quiet", "--tls-verify=false", "--creds=AWS:good", name)
        yield Pulled(podman, name)


def test_podman_reads_its_configuration(pulled: Pulled) -> None:
    (found,) = json.loads(pulled.podman.run("image", "inspect", pulled.name))
    config: dict[str, Any] = found["Config"]
    assert config["Cmd"] == ["python", "-P", ".batchctl-runner"]
    assert (config["User"], config["WorkingDir"]) == ("65534:65534", "/app")
    assert "PYTHONPATH=/opt/batchctl/packages:/site" in config["Env"]
    history = [each["created_by"] for each in found["History"]]
    assert history[-3:] == ["batchctl: packages", "batchctl: runner", "batchctl: compute"]


def test_compute_py_runs_in_it_with_its_package_and_its_data(pulled: Pulled) -> None:
    result = json.loads(pulled.run("python", "compute.py", "AAPL"))
    assert result == {"item": "AAPL", "sum": 42, "user": 65534}


def test_the_runner_starts_in_it_and_finds_compute_py(pulled: Pulled) -> None:
    loads = (
        "import sys; sys.path.insert(0, '/app/.batchctl-runner');"
        "from batchctl.runner.user_code import load_compute;"
        "print(load_compute('/app').compute('MSFT', {})['item'])"
    )
    assert pulled.run("python", "-P", "-c", loads) == "MSFT"
    assert "usage:" in pulled.run("python", "-P", ".batchctl-runner", "--help").lower()


def test_nobody_in_it_can_change_the_runner_or_the_packages(pulled: Pulled) -> None:
    tried = (
        "import os; print([os.access(each, os.W_OK) for each in "
        "('/app', '.batchctl-runner/__main__.py', '/opt/batchctl/packages/arithmetic.py')])"
    )
    assert pulled.run("python", "-c", tried) == "[False, False, False]"
