"""What is built: the user's folder, our runner, and our Dockerfile where there is none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from batchctl import packaging
from batchctl.errors import BatchctlError
from batchctl.image import completion
from batchctl.image.assembly import assembled
from batchctl.image.completion import complete, lacks_runner
from batchctl.image.context import Context, read_context
from batchctl.image.recipe import FolderRecipe

RUNNER = ".batchctl-runner"


@pytest.fixture
def plain(folder: Path) -> Path:
    """A folder without a Dockerfile."""
    (folder / "Dockerfile").unlink()
    return folder


def completed(folder: Path) -> Context:
    return complete(read_context(folder), folder)


def contents(folder: Path) -> str:
    return FolderRecipe(folder, "linux/amd64").contents


def test_a_folder_of_a_compute_py_gets_our_dockerfile_which_the_image_does_not(
    plain: Path, tmp_path: Path
) -> None:
    context = completed(plain)
    assert context.files["Dockerfile"] == Path(completion.__file__).with_name("Dockerfile")
    with assembled(context, tmp_path) as (copy, _):
        assert "Dockerfile" in (copy / ".dockerignore").read_text().split()
        assert "FROM ${BASE}" in (copy / "Dockerfile").read_text()


def test_a_dockerfile_of_the_users_own_is_taken_as_it_is(folder: Path) -> None:
    context = completed(folder)
    assert context.files["Dockerfile"] == folder / "Dockerfile"
    assert not context.hides_dockerfile
    assert not [name for name in context.files if name.startswith(f"{RUNNER}/requirements")]


def test_a_folder_with_neither_is_no_build_context(plain: Path) -> None:
    (plain / "compute.py").rename(plain / "work.py")
    with pytest.raises(BatchctlError, match=r"has no `compute.py` and no `Dockerfile`") as raised:
        completed(plain)
    assert "batchctl init" in str(raised.value.hint)


@pytest.mark.parametrize("target", ["../shared.py", "/srv/shared.py", "absent.py", "compute.py"])
def test_a_compute_py_that_is_a_link_out_of_the_folder_is_refused(plain: Path, target: str) -> None:
    (plain.parent / "shared.py").write_text("def compute(item, parameters): ...\n")
    (plain / "compute.py").unlink()
    (plain / "compute.py").symlink_to(target)
    with pytest.raises(BatchctlError, match="symbolic link") as raised:
        completed(plain)
    assert target in str(raised.value)


def test_a_compute_py_may_be_a_link_to_a_file_in_the_folder(plain: Path) -> None:
    (plain / "src").mkdir()
    (plain / "compute.py").rename(plain / "src" / "model.py")
    (plain / "compute.py").symlink_to("src/model.py")
    assert "compute.py" in completed(plain).files


def test_the_runner_lies_in_its_folder_and_runs_there(folder: Path, tmp_path: Path) -> None:
    with assembled(completed(folder), tmp_path) as (copy, _):
        found = {
            path.relative_to(copy / RUNNER).as_posix() for path in (copy / RUNNER).rglob("*.py")
        }
        done = subprocess.run(
            [sys.executable, "-I", RUNNER, "--help"],
            cwd=copy,
            capture_output=True,
            check=False,
            text=True,
        )
    assert {"__main__.py", "batchctl/__init__.py", "batchctl/runner/task.py"} <= found
    assert "batchctl/contract/table.py" in found
    assert not [each for each in found if each.startswith(("batchctl/cli", "batchctl/local"))]
    assert done.returncode == 0, done.stderr
    assert "--job-id" in done.stdout


def test_what_a_user_puts_into_the_runners_folder_stays_out(folder: Path) -> None:
    (folder / RUNNER).mkdir()
    before = contents(folder)
    (folder / RUNNER / "__main__.py").write_text("print('mine')")
    (folder / RUNNER / "more.py").write_text("")
    assert contents(folder) == before
    assert f"{RUNNER}/more.py" not in completed(folder).files


@pytest.mark.parametrize("room", ["runner/task.py", "contract/table.py", "runner/__main__.py"])
def test_a_change_of_runner_or_contract_is_another_image(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: str
) -> None:
    before = contents(folder)
    changed = tmp_path / "changed.py"
    changed.write_text("# changed\n")
    source = Path(packaging.__file__).parent / room
    files = {
        name: changed if path == source else path for name, path in packaging.runner_files().items()
    }
    monkeypatch.setattr(completion, "runner_files", lambda: files)
    assert contents(folder) != before


def test_a_release_that_changes_neither_is_the_same_image() -> None:
    version = Path(packaging.__file__).with_name("__init__.py")
    assert version not in packaging.runner_files().values()


def test_our_dockerfile_counts_in_the_hash(plain: Path, folder: Path) -> None:
    before = contents(plain)
    (folder / "Dockerfile").write_text("FROM scratch\n")
    assert contents(folder) != before


def test_requirements_are_installed_from_a_folder_of_their_own(plain: Path, tmp_path: Path) -> None:
    for name in ("requirements.txt", "requirements-base.txt", "constraints.txt", "notes.txt"):
        (plain / name).write_text(f"# {name}\n")
    with assembled(completed(plain), tmp_path) as (copy, _):
        installed = copy / RUNNER / "requirements"
        assert sorted(path.name for path in installed.iterdir()) == [
            "constraints.txt",
            "requirements-base.txt",
            "requirements.txt",
        ]
        assert (installed / "requirements.txt").read_text() == "# requirements.txt\n"


def test_without_requirements_there_is_nothing_to_install(plain: Path) -> None:
    path = completed(plain).files[f"{RUNNER}/requirements/requirements.txt"]
    assert all(line.startswith("#") for line in path.read_text().splitlines())


@pytest.mark.parametrize(
    "instruction",
    [
        "COPY . .",
        "copy --chown=65534:65534 . .",
        "COPY ./ /app/",
        "COPY * ./",
        'COPY ["compute.py", ".", "/app/"]',
        "ADD . /app",
        "COPY compute.py \\\n  .batchctl-runner ./",
        "COPY .batchctl-runner .batchctl-runner",
        "COPY $SOURCE .",
    ],
)
def test_a_dockerfile_that_copies_everything_or_the_runner_has_it(instruction: str) -> None:
    assert not lacks_runner(f"FROM scratch\n{instruction}\nUSER 1\n")


@pytest.mark.parametrize(
    "instruction",
    [
        "COPY compute.py .",
        "COPY --from=build . .",
        "# COPY . .",
        "COPY src/ .",
        "RUN echo COPY . .",
    ],
)
def test_a_dockerfile_that_copies_other_things_lacks_it(instruction: str) -> None:
    assert lacks_runner(f"FROM scratch\n{instruction}\n")
