"""A wheel that is built from the repository works in an empty virtual environment and folder."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from local_cloud import free_ports

from batchctl import packaging
from batchctl.image.recipe import FolderRecipe

REPOSITORY = Path(__file__).parents[1]
SOURCES = (
    "batchctl",
    "handlers",
    "compute",
    "config.yaml",
    "setup.py",
    "LICENSE",
    "pyproject.toml",
)

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build from a copy: the build leaves folders beside setup.py."""
    folder = tmp_path_factory.mktemp("build")
    for name in SOURCES:
        if (REPOSITORY / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(REPOSITORY / name, folder / name, ignore=ignored)
        else:
            shutil.copy(REPOSITORY / name, folder / name)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "."]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return next(folder.glob("batchctl-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel in an empty environment; return the environment's programs.

    The libraries are lent by the environment of the tests, as installing them takes a minute. The
    checkout isn't lent with them: it is found by a .pth file, which counts in its own place only.
    """
    environment = tmp_path_factory.mktemp("venv")
    venv.create(environment, with_pip=False, symlinks=True)
    programs = environment / "bin"
    command = [sys.executable, "-m", "pip", "--python", str(programs / "python"), "install"]
    command += ["--quiet", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(command, check=True, capture_output=True)
    lent = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    place = sysconfig.get_path("purelib", "venv", vars={"base": str(environment)})
    Path(place, "libraries.pth").write_text("\n".join(lent) + "\n")
    return programs


@pytest.fixture
def empty_folder(tmp_path: Path) -> Path:
    return tmp_path


def run(program: Path, *arguments: str, folder: Path) -> str:
    """Run a program of the environment as a user does; return what it prints."""
    process = subprocess.run(
        [program, *arguments],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder)},
        capture_output=True,
        check=False,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


def test_wheel_holds_what_is_deployed(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()

    for name in ("handlers/api.py", "compute/compute.py", "compute/prices.csv", "config.yaml"):
        assert f"batchctl/deploy/{name}" in names
    for name in ("runner/__main__.py", "contract/table.py", "image/Dockerfile"):
        assert f"batchctl/{name}" in names
    assert "batchctl/image/requirements.txt" in names
    assert "batchctl/deploy/compute/.dockerignore" in names
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests/")]
    assert [name for name in names if name.endswith("licenses/LICENSE")]


def test_installed_command_shows_its_help(installed: Path, empty_folder: Path) -> None:
    assert "Usage: batchctl" in run(installed / "batchctl", "--help", folder=empty_folder)


def test_installed_package_is_not_the_checkout(installed: Path, empty_folder: Path) -> None:
    program = "import batchctl; print(batchctl.__file__)"

    output = run(installed / "python", "-c", program, folder=empty_folder)

    assert Path(output.strip()).is_relative_to(installed.parent)


def test_installed_package_makes_the_same_function_package(
    installed: Path, empty_folder: Path
) -> None:
    program = "from batchctl.packaging import function_package; print(function_package().sha256)"

    output = run(installed / "python", "-c", program, folder=empty_folder)

    assert output.strip() == packaging.function_package().sha256


def test_installed_package_has_a_valid_config_template(installed: Path, empty_folder: Path) -> None:
    program = (
        "from batchctl import config, packaging;"
        "print(config.load(packaging.config_template()) == config.Config())"
    )

    assert run(installed / "python", "-c", program, folder=empty_folder).strip() == "True"


def test_installed_compute_function_runs(installed: Path, empty_folder: Path) -> None:
    program = (
        "import sys; from batchctl.packaging import compute_directory;"
        "sys.path.insert(0, str(compute_directory()));"
        "import compute; print(compute.compute('AAPL', {'paths': 100})['source'])"
    )

    assert run(installed / "python", "-c", program, folder=empty_folder).strip() == "prices"


def test_installed_package_makes_the_same_image(installed: Path, empty_folder: Path) -> None:
    (empty_folder / "compute.py").write_text("def compute(item, parameters): return {}")
    program = (
        "from pathlib import Path; from batchctl.image.recipe import FolderRecipe;"
        "print(FolderRecipe(Path('.').resolve(), 'linux/amd64').contents)"
    )

    output = run(installed / "python", "-c", program, folder=empty_folder)

    assert output.strip() == FolderRecipe(empty_folder, "linux/amd64").contents


def test_the_installed_application_runs_a_job_in_an_empty_folder(
    installed: Path, empty_folder: Path
) -> None:
    batchctl = installed / "batchctl"
    run(batchctl, "init", folder=empty_folder)
    gateway, port = free_ports(2)
    settings = f"api: {{port: {port}}}\nlocal: {{gateway_port: {gateway}}}\n"
    (empty_folder / "config.yaml").write_text(settings)
    try:
        run(batchctl, "--local", "up", "--yes", folder=empty_folder)
        submit = ("submit", "--job-id", "a", "--universe", "AAPL,IBM", "--wait")
        run(batchctl, "--local", *submit, folder=empty_folder)
        output = run(batchctl, "--local", "results", "a", "--json", folder=empty_folder)
        run(batchctl, "--local", "down", "--yes", "--delete-data", folder=empty_folder)
    finally:
        run(batchctl, "local", "stop", folder=empty_folder)
    statuses = {each["item"]: each["status"] for each in json.loads(output)}
    assert statuses == {"AAPL": "SUCCEEDED", "IBM": "SUCCEEDED"}
