"""The compute image as a user meets it: in the plan, in `up`, with `--rebuild`, in `down`."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest
from calls import Calls
from click.testing import Result
from fake_recipe import UnbuiltFolder
from former_compute import write_former_compute

from batchctl.errors import BatchctlError
from batchctl.image import recipe
from batchctl.image.composed import ComposedRecipe
from batchctl.image.recipe import Registry
from batchctl.image.running import Watch

Batchctl = Callable[..., Result]
pytestmark = pytest.mark.usefixtures("account", "unbuilt")


@pytest.fixture
def unbuilt(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder compute/ beside a config.yaml without an image; nothing is really built."""
    monkeypatch.setattr(recipe, "FolderRecipe", UnbuiltFolder)
    monkeypatch.setattr(ComposedRecipe, "push_to", UnbuiltFolder.push_to)
    (folder / "config.yaml").write_text("name: app\n")
    (folder / "compute").mkdir()
    (folder / "compute" / "Dockerfile").write_text("FROM scratch\nCOPY . .\n")
    (folder / "compute" / "compute.py").write_text("")


def image_line(result: Result) -> str:
    return next(line for line in result.output.splitlines() if "image.compute" in line)


def test_the_plan_says_build_and_push_or_unchanged(batchctl: Batchctl, folder: Path) -> None:
    before = image_line(batchctl("plan", "-v"))
    assert before.startswith("  + image.compute  app-compute:")
    assert before.endswith("  (build and push)")
    assert batchctl("up", "--yes").exit_code == 0
    assert image_line(batchctl("plan", "-v")).endswith("  (unchanged)")
    (folder / "compute" / "compute.py").write_text("changed")
    changed = batchctl("plan", "-v").stdout
    assert "  ~ image.compute" in changed
    assert "containerProperties.image: " in changed
    assert "0 to create" not in changed
    assert "2 to update" in changed


def test_a_slow_build_holds_up_only_what_needs_the_image(
    batchctl: Batchctl, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    push_to = UnbuiltFolder.push_to
    all_else = {"CreateRule": 2, "CreateJobQueue": 2, "CreateFunction": 2}

    def slow(made: UnbuiltFolder, registry: Registry, tag: str, watch: Watch) -> None:
        deadline = time.monotonic() + 30
        while any(calls.count(operation) < count for operation, count in all_else.items()):
            assert time.monotonic() < deadline
            watch.stop.wait(0.02)
        assert calls.count("RegisterJobDefinition") == 0
        push_to(made, registry, tag, watch)

    monkeypatch.setattr(UnbuiltFolder, "push_to", slow)
    result = batchctl("up", "--yes")
    assert result.exit_code == 0, result.stderr
    assert calls.count("RegisterJobDefinition") == 1


def test_a_build_that_fails_is_told_when_it_fails_and_with_its_output_at_the_end(
    batchctl: Batchctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(made: UnbuiltFolder, registry: Registry, tag: str, watch: Watch) -> None:
        raise BatchctlError("could not build the image\nSTEP 1: COPI", hint="mend it")

    monkeypatch.setattr(UnbuiltFolder, "push_to", fail)
    result = batchctl("up", "--yes")
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert any(line.endswith("failed image.compute: could not build the image") for line in lines)
    assert "error: image.compute: could not build the image\n  | STEP 1: COPI\n" in result.stderr
    assert "hint: mend it" in lines


def test_rebuild_builds_the_same_contents_once_more(batchctl: Batchctl, calls: Calls) -> None:
    batchctl("up", "--yes")
    calls.made.clear()
    rebuilt = batchctl("up", "--rebuild", "--yes")
    assert rebuilt.exit_code == 0, rebuilt.stderr
    assert calls.writes == ["batch.RegisterJobDefinition"]
    calls.made.clear()
    assert "no changes" in batchctl("up", "--yes").stderr
    assert calls.writes == []
    assert len(calls.made) < 82


def test_down_says_that_the_images_go(batchctl: Batchctl) -> None:
    batchctl("up", "--yes")
    result = batchctl("down", "--yes")
    assert result.exit_code == 0, result.stderr
    assert "- repository.compute  app-compute  (with its images" in result.stderr
    assert boto3.client("ecr").describe_repositories()["repositories"] == []


def test_another_architecture_is_another_image(batchctl: Batchctl, folder: Path) -> None:
    batchctl("up", "--yes")
    (folder / "config.yaml").write_text("name: app\ncompute: {architecture: arm64}\n")
    assert image_line(batchctl("plan", "-v")).endswith("  (build and push)")
    (folder / "config.yaml").write_text("name: app\ncompute: {base_image: 'python:3.12'}\n")
    assert image_line(batchctl("plan", "-v")).endswith("  (build and push)")
    (folder / "config.yaml").write_text("name: app\ncompute: {builder: podman}\n")
    assert image_line(batchctl("plan", "-v")).endswith("  (unchanged)")


def test_an_image_by_name_takes_the_place_of_what_was_built(
    batchctl: Batchctl, folder: Path
) -> None:
    batchctl("up", "--yes")
    (folder / "config.yaml").write_text("name: app\ncompute: {image: 'registry.example/x:1'}\n")
    result = batchctl("up", "--yes")
    assert result.exit_code == 0, result.stderr
    assert boto3.client("ecr").describe_repositories()["repositories"] == []
    (found,) = (
        each
        for each in boto3.client("batch").describe_job_definitions()["jobDefinitions"]
        if each["revision"] == 2
    )
    assert found["containerProperties"]["image"] == "registry.example/x:1"


def test_the_plan_names_secrets_in_the_build_context_and_never_what_they_hold(
    batchctl: Batchctl, folder: Path
) -> None:
    (folder / "compute" / ".env").write_text("PASSWORD=correct-horse")
    (folder / "compute" / "keys.py").write_text("-----BEGIN " + "PRIVATE KEY-----\nMIIE")
    (folder / "compute" / "secrets.yaml").write_text("password: battery-staple")
    for shown in (batchctl("plan"), batchctl("up", "--yes")):
        assert (
            "kept out of the image: `.env` (`compute.include_files` lets a file in)\n"
            "WARNING: the image will hold what looks like a secret: "
            "`keys.py` (a private key), `secrets.yaml` (its name)\n"
        ) in shown.stderr
        assert not any(text in shown.output for text in ("correct-horse", "staple", "MIIE"))
    data = json.loads(batchctl("plan", "--json").stdout)["secrets"]
    assert data["kept_out"] == [".env"]
    assert data["inside"] == {"keys.py": "a private key", "secrets.yaml": "its name"}


def test_a_file_that_config_names_goes_into_the_image(batchctl: Batchctl, folder: Path) -> None:
    (folder / "compute" / ".env").write_text("LEVEL=1")
    without = image_line(batchctl("plan", "-v"))
    (folder / "config.yaml").write_text("name: app\ncompute: {include_files: [.env]}\n")
    shown = batchctl("plan", "-v")
    assert image_line(shown) != without
    assert "kept out" not in shown.stderr


def test_only_the_first_of_many_secrets_are_named(batchctl: Batchctl, folder: Path) -> None:
    for number in range(25):
        (folder / "compute" / f"{number:02}.pem").write_text("")
    assert "`19.pem` and 5 more (" in batchctl("plan").stderr


def test_the_container_runs_the_runner_whatever_the_users_modules_are_called(
    batchctl: Batchctl,
) -> None:
    assert batchctl("up", "--yes").exit_code == 0
    assert command_of(1) == ["python", "-P", ".batchctl-runner"]


def command_of(revision: int) -> list[str]:
    found = boto3.client("batch").describe_job_definitions()["jobDefinitions"]
    (container,) = (each["containerProperties"] for each in found if each["revision"] == revision)
    return container.get("command", [])


def test_a_named_image_runs_its_own_command(batchctl: Batchctl, folder: Path) -> None:
    (folder / "config.yaml").write_text("name: app\ncompute: {image: 'registry.example/x:1'}\n")
    result = batchctl("up", "--yes")
    assert result.exit_code == 0, result.stderr
    assert command_of(1) == []
    assert "no changes" in batchctl("up", "--yes").stderr


def test_plan_and_up_name_the_files_of_an_older_version(batchctl: Batchctl, folder: Path) -> None:
    write_former_compute(folder / "compute", "def compute(item, parameters): return {}")
    names = ("Dockerfile", "README.md", "attempts.py", "job_table.py", "runner.py", "stopping.py")
    listed = " ".join(os.path.relpath(folder / "compute" / name) for name in names)
    note = f"files of an older batchctl, which are no longer used: delete them with `rm {listed}`\n"
    for arguments in (("plan",), ("up", "--yes"), ("up", "--yes")):
        assert batchctl(*arguments).stderr.count(note) == 1
    for name in names:
        (folder / "compute" / name).unlink()
    assert "older batchctl" not in batchctl("plan").stderr


def test_a_dockerfile_that_lacks_the_runner_is_warned_of(batchctl: Batchctl, folder: Path) -> None:
    assert "doesn't copy the runner" not in batchctl("plan").stderr
    (folder / "compute" / "Dockerfile").write_text("FROM scratch\nCOPY compute.py .\n")
    assert (
        "doesn't copy the runner: add `COPY .batchctl-runner .batchctl-runner` after `WORKDIR`"
    ) in batchctl("plan").stderr
    (folder / "config.yaml").write_text("name: app\ncompute: {command: [./work.sh]}\n")
    assert "doesn't copy the runner" not in batchctl("plan").stderr


def test_a_folder_with_a_compute_py_alone_is_built(batchctl: Batchctl, folder: Path) -> None:
    (folder / "compute" / "Dockerfile").unlink()
    result = batchctl("up", "--yes")
    assert result.exit_code == 0, result.stderr


def test_the_sample_never_replaces_code_that_is_deployed(
    batchctl: Batchctl, folder: Path, calls: Calls, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert batchctl("up", "--yes").exit_code == 0
    (folder / "compute").rename(folder / "kept")
    calls.made.clear()
    for state in (True, False):
        if not state:
            (folder / ".batchctl").rename(tmp_path_factory.mktemp("elsewhere") / "state")
        for command in (("plan",), ("up", "--yes", "--adopt")):
            refused = batchctl(*command)
            assert refused.exit_code == 2, refused.stderr
            assert "the sample would replace the code that is deployed" in refused.stderr
    assert calls.writes == []
    assert batchctl("status").exit_code == 0


def test_the_sample_is_deployed_where_nothing_was_and_again(
    batchctl: Batchctl, folder: Path
) -> None:
    (folder / "compute").rename(folder / "kept")
    assert batchctl("up", "--yes").exit_code == 0
    (folder / "config.yaml").write_text("name: app\ncompute: {python: '3.12'}\n")
    again = batchctl("up", "--yes")
    assert again.exit_code == 0, again.stderr
