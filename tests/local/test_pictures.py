"""Pictures of compute/: what an image would have, by the hash of it, until the cloud is gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from batchctl.errors import BatchctlError
from batchctl.local import pictures
from batchctl.local.pictures import Pictures


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "compute"
    folder.mkdir()
    (folder / "compute.py").write_text("first")
    (folder / ".env").write_text("SECRET=1")
    return folder


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    directory = tmp_path / "cloud"
    directory.mkdir()
    return directory


def test_a_picture_is_what_an_image_would_get_as_it_was(folder: Path, directory: Path) -> None:
    image = pictures.image_of(folder)
    pictures.take(directory, folder, image)
    (folder / "compute.py").write_text("second")
    found = Pictures(directory, folder).of(image)
    assert (found / "compute.py").read_text() == "first"
    assert [path.name for path in found.iterdir()] == ["compute.py"]


def test_every_content_has_a_picture_of_its_own(folder: Path, directory: Path) -> None:
    first = pictures.image_of(folder)
    pictures.take(directory, folder, first)
    (folder / "compute.py").write_text("second")
    second = pictures.image_of(folder)
    pictures.take(directory, folder, second)
    pictures.take(directory, folder, second)
    kept = Pictures(directory, folder)
    assert (kept.of(first) / "compute.py").read_text() == "first"
    assert (kept.of(second) / "compute.py").read_text() == "second"


def test_a_folder_that_changes_between_plan_and_up_is_refused(
    folder: Path, directory: Path
) -> None:
    image = pictures.image_of(folder)
    (folder / "compute.py").write_text("second")
    with pytest.raises(BatchctlError, match="has changed since the plan was made"):
        pictures.take(directory, folder, image)
    assert list((directory / "compute").iterdir()) == []


def test_included_files_are_in_the_picture(folder: Path, directory: Path) -> None:
    image = pictures.image_of(folder, [".env"])
    assert image != pictures.image_of(folder)
    pictures.take(directory, folder, image, [".env"])
    assert (Pictures(directory, folder).of(image) / ".env").exists()


def test_a_picture_that_isnt_there_cannot_be_pulled(folder: Path, directory: Path) -> None:
    for image in (f"{pictures.IMAGE}:none", f"{pictures.IMAGE}:..", pictures.image_of(folder)):
        with pytest.raises(LookupError, match="`batchctl --local up` makes it"):
            Pictures(directory, folder).of(image)


def test_a_named_image_runs_in_the_folder_as_it_is(folder: Path, directory: Path) -> None:
    assert Pictures(directory, folder).of("python:3.13") == folder


def test_all_pictures_go_with_the_cloud(folder: Path, directory: Path) -> None:
    pictures.take(directory, folder, pictures.image_of(folder))
    pictures.remove_all(directory)
    assert list(directory.iterdir()) == []
