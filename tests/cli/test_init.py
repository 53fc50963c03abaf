"""`init` writes config.yaml, and a compute/ where there is none; it asks whom to let in."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from former_compute import write_former_compute

from batchctl.config import Api, load
from batchctl.packaging import config_template

Batchctl = Callable[..., Result]


@pytest.fixture
def empty(folder: Path) -> Path:
    """A folder without a config.yaml."""
    (folder / "config.yaml").unlink()
    return folder / "config.yaml"


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Click's test input says that it is a terminal."""
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _self: True)


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize(
    ("answers", "api"),
    [
        ("1\n", Api(mode="restapi", auth="iam")),
        (
            "2\n203.0.113.0/24 198.51.100.7/32\n",
            Api(allowed_cidrs=("203.0.113.0/24", "198.51.100.7/32")),
        ),
        ("2\n203.0.113.7\n203.0.113.7/32\n", Api(allowed_cidrs=("203.0.113.7/32",))),
        ("3\n", Api()),
    ],
)
def test_the_answer_is_what_config_yaml_says(
    batchctl: Batchctl, empty: Path, answers: str, api: Api
) -> None:
    made = batchctl("init", input=answers)
    assert made.exit_code == 0, made.stderr
    assert load(empty).api == api
    # Only what was answered differs, and the comments are those of the full one.
    comments = {each.partition("#")[2] for each in config_template().read_text().splitlines()}
    settings = [each for each in empty.read_text().splitlines() if not each.startswith("#")]
    assert {each.partition("#")[2] for each in settings} <= comments


def test_without_a_terminal_it_is_the_default_and_that_is_said(
    batchctl: Batchctl, empty: Path
) -> None:
    made = batchctl("init")
    assert made.exit_code == 0, made.stderr
    made_of = load(empty)
    assert made_of == load(config_template()).model_copy(update={"name": made_of.name})
    assert len(empty.read_text().splitlines()) < 20
    assert "WARNING: once deployed to AWS, anyone on the internet can submit jobs" in made.stderr


def test_it_writes_what_a_user_starts_from_and_nothing_of_ours(
    batchctl: Batchctl, empty: Path
) -> None:
    assert batchctl("init").exit_code == 0
    written = {path.name for path in (empty.parent / "compute").iterdir()}
    assert written == {".dockerignore", "README.md", "compute.py", "prices.csv"}


@pytest.mark.parametrize("has_others", [True, False])
def test_beside_a_compute_py_of_the_users_it_writes_config_yaml_alone(
    batchctl: Batchctl, empty: Path, has_others: bool
) -> None:
    compute = empty.parent / "compute"
    compute.mkdir()
    (compute / "compute.py").write_text("def compute(item, parameters): return {}")
    if has_others:
        (compute / "requirements.txt").write_text("numpy")
    before = {path.name: path.read_text() for path in compute.iterdir()}
    made = batchctl("init")
    assert made.exit_code == 0, made.stderr
    assert empty.is_file()
    assert {path.name: path.read_text() for path in compute.iterdir()} == before


def test_an_empty_compute_folder_gets_the_sample(batchctl: Batchctl, empty: Path) -> None:
    (empty.parent / "compute").mkdir()
    assert batchctl("init").exit_code == 0
    assert (empty.parent / "compute" / "compute.py").is_file()


def test_a_folder_without_code_gets_what_it_lacks_and_keeps_what_it_has(
    batchctl: Batchctl, empty: Path
) -> None:
    compute = empty.parent / "compute"
    compute.mkdir(mode=0o700)
    (compute / "README.md").write_text("mine")
    assert batchctl("init").exit_code == 0
    assert (compute / "compute.py").is_file()
    assert (compute / "README.md").read_text() == "mine"
    assert compute.stat().st_mode & 0o777 == 0o700


def test_what_it_writes_can_be_edited_where_batchctl_itself_is_read_only(
    batchctl: Batchctl, empty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = tmp_path / "store"
    sample.mkdir()
    (sample / "compute.py").write_text("def compute(item, parameters): return {}")
    (sample / "compute.py").chmod(0o444)
    sample.chmod(0o555)
    monkeypatch.setattr("batchctl.cli.commands.init.compute_directory", lambda: sample)
    assert batchctl("init").exit_code == 0
    compute = empty.parent / "compute"
    assert all(path.stat().st_mode & 0o200 for path in (compute, compute / "compute.py"))


def test_a_link_to_an_empty_folder_is_as_good_as_the_folder(
    batchctl: Batchctl, empty: Path
) -> None:
    (empty.parent / "real").mkdir()
    (empty.parent / "compute").symlink_to("real")
    made = batchctl("init")
    assert made.exit_code == 0, made.stderr
    assert (empty.parent / "real" / "compute.py").is_file()


@pytest.mark.parametrize(("name", "is_a"), [("config.yaml", "folder"), ("compute", "file")])
def test_what_stands_in_the_way_is_named_before_anything_is_written(
    batchctl: Batchctl, empty: Path, name: str, is_a: str
) -> None:
    path = empty.parent / name
    if is_a == "folder":
        path.mkdir()
    else:
        path.write_text("")
    before = sorted(empty.parent.rglob("*"))
    made = batchctl("init")
    assert made.exit_code == 2
    assert f"`: it is a {is_a}" in made.stderr
    assert sorted(empty.parent.rglob("*")) == before


def test_beside_a_compute_py_without_a_folder_of_its_own_that_folder_is_what_is_built(
    batchctl: Batchctl, empty: Path
) -> None:
    (empty.parent / "compute.py").write_text("def compute(item, parameters): return {}")
    made = batchctl("init")
    assert made.exit_code == 0, made.stderr
    assert load(empty).compute.build == "."
    assert not (empty.parent / "compute").exists()
    again = batchctl("init")
    assert again.exit_code == 2
    assert "nothing to do: `config.yaml` already exists" in again.stderr.replace(
        f"{empty.parent}/", ""
    )


def test_in_a_project_of_an_older_version_it_says_what_to_delete(
    batchctl: Batchctl, folder: Path
) -> None:
    write_former_compute(folder / "compute", "def compute(item, parameters): return {}")
    made = batchctl("init")
    assert made.exit_code == 2
    assert "no longer used: delete them with `rm " in made.stderr
    assert "compute/stopping.py" in made.stderr
    assert "compute/compute.py" not in made.stderr.partition("delete them")[2].partition("`\n")[0]


@pytest.mark.parametrize("name", ["config.yaml", "compute"])
def test_nothing_is_written_through_a_link_that_leads_nowhere(
    batchctl: Batchctl, empty: Path, tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    elsewhere = tmp_path_factory.mktemp("home") / "made"
    shutil.rmtree(empty.parent / "compute", ignore_errors=True)
    (empty.parent / name).symlink_to(elsewhere)
    made = batchctl("init")
    assert made.exit_code == 2
    assert f"could not write `{name}`: it is a symbolic link" in made.stderr.replace(
        f"{empty.parent}/", ""
    )
    assert not elsewhere.exists()


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize(
    ("networks", "is_open"), [("0.0.0.0/1 128.0.0.0/1", True), ("203.0.113.0/24", False)]
)
def test_networks_as_wide_as_the_internet_are_warned_of(
    batchctl: Batchctl, empty: Path, networks: str, is_open: bool
) -> None:
    made = batchctl("init", input=f"2\n{networks}\n")
    assert made.exit_code == 0, made.stderr
    assert load(empty).api.allowed_cidrs == tuple(networks.split())
    warning = "WARNING: once deployed to AWS, anyone on the internet can submit jobs"
    assert (warning in made.stderr) is is_open


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("risk", "risk-"),
        ("Réport_2026 (old)", "r-port-2026-old-"),
        ("a-very-long-name-of-a-folder", "a-very-long-nam-"),
        ("2026", "app-"),
        ("sg", "app-sg-"),
    ],
)
def test_each_stack_gets_a_name_of_its_own_that_is_the_folders(
    batchctl: Batchctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, begins: str
) -> None:
    names = set()
    for above in ("one", "two"):
        folder = tmp_path / above / name
        folder.mkdir(parents=True)
        monkeypatch.chdir(folder)
        assert batchctl("init").exit_code == 0
        names.add(load(folder / "config.yaml").name)
    assert len(names) == 2
    assert all(each.startswith(begins) for each in names)
