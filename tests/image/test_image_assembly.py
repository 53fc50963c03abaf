"""What the builder is given: a copy of the context, with nothing besides, the same everywhere."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from fake_builder import FakeBuilder

from batchctl.errors import BatchctlError
from batchctl.image import assembly
from batchctl.image.assembly import assembled
from batchctl.image.context import read_context
from batchctl.image.recipe import FolderRecipe, Registry
from batchctl.image.running import Watch

REGISTRY = Registry("123456789012.dkr.ecr.eu-west-1.amazonaws.com/app", lambda: "password")


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def listed(folder: Path) -> Mapping[str, tuple[str, str]]:
    """Return mode and content of everything below a folder, of a link where it leads."""
    return {path.relative_to(folder).as_posix(): _described(path) for path in folder.rglob("*")}


def _described(path: Path) -> tuple[str, str]:
    if path.is_symlink():
        return "link", str(path.readlink())
    return stat.filemode(path.stat().st_mode), "" if path.is_dir() else path.read_text()


@pytest.mark.usefixtures("umask")
def test_the_copy_has_the_files_of_the_context_in_modes_that_every_machine_has(
    folder: Path, tmp_path: Path
) -> None:
    (folder / "data").mkdir()
    (folder / "data" / "prices.csv").write_text("1\n")
    (folder / "start.sh").write_text("#!/bin/sh\n")
    (folder / "start.sh").chmod(0o4711)
    (folder / "latest").symlink_to("data/prices.csv")
    (folder / "outside").symlink_to("/etc/passwd")
    (folder / ".env").write_text("SECRET=1\n")
    (folder / ".git").mkdir()
    (folder / ".dockerignore").write_text("Dockerfile\n")
    with assembled(read_context(folder), tmp_path) as (copy, _):
        found = dict(listed(copy))
        assert stat.S_IMODE(copy.stat().st_mode) == 0o755
        assert stat.S_IMODE(copy.parent.stat().st_mode) == 0o700
    ours = found.pop(".dockerignore")
    assert ours[1] == ".dockerignore\nDockerfile\n"
    assert found == {
        "Dockerfile": ("-rw-r--r--", "FROM scratch\n"),
        "compute.py": ("-rw-r--r--", "def compute(item, parameters): ...\n"),
        "data": ("drwxr-xr-x", ""),
        "data/prices.csv": ("-rw-r--r--", "1\n"),
        "latest": ("link", "data/prices.csv"),
        "outside": ("link", "/etc/passwd"),
        "start.sh": ("-rwxr-xr-x", "#!/bin/sh\n"),
    }


def test_the_copy_has_the_hash_of_the_folder_and_goes_afterwards(
    folder: Path, tmp_path: Path
) -> None:
    context = read_context(folder)
    with assembled(context, tmp_path / "compute") as (copy, copied):
        assert copied.hash({}) == context.hash({})
        assert copied.files["compute.py"] == copy / "compute.py"
    assert not copy.exists()
    assert sorted(path.name for path in folder.iterdir()) == ["Dockerfile", "compute.py"]


def test_a_dockerfile_that_is_not_ignored_is_in_the_image(folder: Path, tmp_path: Path) -> None:
    with assembled(read_context(folder), tmp_path) as (copy, _):
        assert (copy / ".dockerignore").read_text() == ".dockerignore\n"


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ({".dockerignore": "a.csv"}, "a.csv"),
        ({".dockerignore": "a.csv", ".containerignore": "b.csv"}, "b.csv"),
        ({".dockerignore": "a.csv", "Dockerfile.dockerignore": "b.csv"}, "b.csv"),
        ({".containerignore": "a.csv", "Dockerfile.dockerignore": "b.csv"}, "b.csv"),
    ],
)
def test_one_ignore_file_decides_for_every_builder(
    folder: Path, tmp_path: Path, files: dict[str, str], name: str
) -> None:
    for file, text in {"a.csv": "", "b.csv": "", **files}.items():
        (folder / file).write_text(text)
    with assembled(read_context(folder), tmp_path) as (copy, _):
        names = {path.name for path in copy.iterdir()}
    assert names == {"Dockerfile", "compute.py", ".dockerignore", "a.csv", "b.csv"} - {name}


def test_the_builder_gets_the_copy_beside_the_state_and_errors_name_the_users_folder(
    docker: FakeBuilder, folder: Path, tmp_path: Path
) -> None:
    docker.answer(build=[(1, "Unknown instruction: COPI")])
    workspace = tmp_path / ".batchctl"
    workspace.mkdir()
    recipe = FolderRecipe(folder, "linux/amd64", workspace=workspace)
    with pytest.raises(BatchctlError) as raised:
        recipe.push_to(REGISTRY, "0a1b", Watch())
    given = Path(docker.called("build")[0]["arguments"][-1])
    assert given.is_relative_to(workspace)
    assert str(workspace) not in f"{raised.value.message} {raised.value.hint}"
    assert f"`{folder / 'Dockerfile'}`" in str(raised.value.hint)
    assert list(workspace.iterdir()) == []


def test_the_state_in_the_build_context_is_no_change_of_it(
    docker: FakeBuilder, folder: Path
) -> None:
    """`compute.build: .`: the project's own folder, to which `up` writes its state."""
    (folder / ".batchctl").mkdir()
    recipe = FolderRecipe(folder, "linux/amd64", workspace=folder / ".batchctl")
    assert recipe.contents
    (folder / ".batchctl" / "app.state.json").write_text(json.dumps({"serial": 1}))
    recipe.push_to(REGISTRY, "0a1b", Watch())
    assert len(docker.called("push")) == 1


def test_what_changes_while_it_is_copied_is_not_built(
    docker: FakeBuilder, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = assembly._copy

    def edit_then_copy(name: str, source: Path, target: Path) -> Path:
        if name == "compute.py":
            source.write_text("changed")
        return copy(name, source, target)

    recipe = FolderRecipe(folder, "linux/amd64")
    assert recipe.contents
    monkeypatch.setattr(assembly, "_copy", edit_then_copy)
    with pytest.raises(BatchctlError, match=r"`compute.py` in .* changed since the plan"):
        recipe.push_to(REGISTRY, "0a1b", Watch())
    assert docker.called("build") == []


def test_a_full_disk_is_an_error_that_says_what_takes_the_space(
    docker: FakeBuilder, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("batchctl.image.assembly.shutil.copyfile", fill)
    with pytest.raises(BatchctlError, match="could not assemble the build context") as raised:
        FolderRecipe(folder, "linux/amd64").push_to(REGISTRY, "0a1b", Watch())
    assert "No space left on device" in raised.value.message
    assert "takes as much space as the files" in str(raised.value.hint)
