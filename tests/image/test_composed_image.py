"""An image that batchctl makes itself: what is in it, and what is uploaded."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest
from composition import (
    BASE,
    Installer,
    compose,
    configuration,
    files_of,
    manifest_of,
    tar,
)
from registry_double import RegistryDouble, digest, serving

from batchctl.errors import BatchctlError
from batchctl.image.composed import ComposedRecipe
from batchctl.image.failures import TagTaken
from batchctl.image.installation import PackageTarget
from batchctl.image.recipe import Registry
from batchctl.image.running import Watch


def test_the_image_has_base_packages_runner_and_the_users_files(
    recipe: ComposedRecipe, ecr: RegistryDouble
) -> None:
    compose(recipe, ecr)

    files = files_of(recipe, ecr)
    assert {
        "etc/os",
        "opt/batchctl/packages/boto3/__init__.py",
        "app/.batchctl-runner/__main__.py",
        "app/.batchctl-runner/batchctl/contract/table.py",
        "app/compute.py",
        "app/data/prices.csv",
    } <= set(files)
    assert not any(name.startswith("opt/batchctl/packages/bin") for name in files)
    config = json.loads(ecr.blobs[manifest_of(recipe, ecr)["config"]["digest"]])
    assert config["config"] == {
        "Cmd": ["python", "-P", ".batchctl-runner"],
        "Env": [
            "PATH=/usr/local/bin:/usr/bin",
            "PYTHON_VERSION=3.12.4",
            "PYTHONPATH=/opt/batchctl/packages",
            "PYTHONUNBUFFERED=1",
        ],
        "User": "65534:65534",
        "WorkingDir": "/app",
    }
    diff_ids = config["rootfs"]["diff_ids"]
    layers = [ecr.blobs[each["digest"]] for each in manifest_of(recipe, ecr)["layers"]]
    assert [digest(gzip.decompress(each)) for each in layers] == diff_ids


def test_the_user_owns_the_users_files_and_nobody_can_change_ours(
    recipe: ComposedRecipe, ecr: RegistryDouble, compute: Path
) -> None:
    (compute / "tool.sh").write_text("#!/bin/sh\n")
    (compute / "tool.sh").chmod(0o700)
    (compute / "compute.py").chmod(0o600)
    compose(recipe, ecr)

    files = files_of(recipe, ecr)
    assert (files["app/compute.py"].uid, files["app/compute.py"].mode) == (65534, 0o644)
    assert files["app/tool.sh"].mode == 0o755
    assert files["app/.batchctl-runner/__main__.py"].uid == 0
    assert {each.mtime for name, each in files.items() if name.startswith("app/")} == {0}


def test_the_same_files_give_the_same_bytes_on_every_machine(
    recipe: ComposedRecipe, ecr: RegistryDouble, tmp_path: Path
) -> None:
    compose(recipe, ecr)
    there = tmp_path / "elsewhere" / "compute"
    there.mkdir(parents=True)
    (there / "data").mkdir(mode=0o700)
    for name in ("data/prices.csv", "compute.py"):
        (there / name).write_bytes((recipe.folder / name).read_bytes())
        (there / name).chmod(0o640)
    other = replace(recipe, folder=there, cache=tmp_path / "another-cache")

    with serving(RegistryDouble(password="good")) as another:
        compose(other, another)
        assert manifest_of(other, another) == manifest_of(recipe, ecr)


def test_a_changed_compute_py_is_one_small_layer(
    recipe: ComposedRecipe, ecr: RegistryDouble, public: RegistryDouble, installer: Installer
) -> None:
    first = compose(recipe, ecr)
    asked = len(public.requests)
    (recipe.folder / "compute.py").write_text("def compute(item, parameters):\n    return {1: 2}\n")

    second = compose(recipe, ecr)

    assert len(first.uploaded) == 6
    assert len(second.uploaded) == 2
    assert sum(second.uploaded.values()) < 20_000
    assert len(public.requests) == asked, "the base image is in the repository"
    assert len(installer.targets) == 1


def test_other_packages_are_another_layer_and_the_rest_stays(
    recipe: ComposedRecipe, ecr: RegistryDouble, installer: Installer
) -> None:
    compose(recipe, ecr)
    (recipe.folder / "requirements.txt").write_text("numpy>=2\n")

    transfer = compose(recipe, ecr)

    layers = {
        each["digest"]: each.get("annotations", {}).get("dev.batchctl.layer")
        for each in manifest_of(recipe, ecr)["layers"]
    }
    assert {layers.get(each) for each in transfer.uploaded} == {None, "packages", "compute"}
    assert installer.targets == [PackageTarget("linux/amd64", "3.12")] * 2


def test_rebuild_takes_the_base_image_as_it_is_now(
    recipe: ComposedRecipe, ecr: RegistryDouble, public: RegistryDouble
) -> None:
    compose(recipe, ecr)
    newer = tar({"etc/os": b"debian, patched"})
    packed = gzip.compress(newer, mtime=0)
    found = public.add_image(BASE, [packed], configuration("amd64", newer), "new")
    public.add_index(BASE, {"linux/amd64": found}, "3.12")

    compose(recipe, ecr)
    pinned = manifest_of(recipe, ecr)
    rebuilt = replace(recipe, rebuilt="20261128T110000Z")
    tag = f"{rebuilt.contents}-{rebuilt.rebuilt}"
    newest = digest(ecr.manifests[f"app:{recipe.contents}"][0])
    rebuilt.compose(Registry(f"{ecr.host}/app", lambda: "good", newest), tag, Watch())

    base_digest = "org.opencontainers.image.base.digest"
    anew = json.loads(ecr.manifests[f"app:{tag}"][0])
    assert anew["annotations"][base_digest] != pinned["annotations"][base_digest]
    assert anew["layers"][0]["digest"] == digest(packed)


def test_arm64_is_made_on_any_machine(
    recipe: ComposedRecipe, ecr: RegistryDouble, installer: Installer
) -> None:
    arm = replace(recipe, platform="linux/arm64")
    compose(arm, ecr)

    config = json.loads(ecr.blobs[manifest_of(arm, ecr)["config"]["digest"]])
    assert config["architecture"] == "arm64"
    assert installer.targets == [PackageTarget("linux/arm64", "3.12")]


def test_secrets_stay_out(recipe: ComposedRecipe, ecr: RegistryDouble) -> None:
    (recipe.folder / ".env").write_text("PASSWORD=1")
    compose(recipe, ecr)
    assert "app/.env" not in files_of(recipe, ecr)
    assert replace(recipe).secrets.kept_out == (".env",)


def test_what_changes_after_the_plan_is_not_pushed(
    recipe: ComposedRecipe, ecr: RegistryDouble
) -> None:
    recipe.contents  # noqa: B018 - the plan reads it
    (recipe.folder / "compute.py").write_text("changed = True\n")
    with pytest.raises(BatchctlError, match="has changed since the plan was made"):
        recipe.compose(Registry(f"{ecr.host}/app", lambda: "good"), recipe.contents, Watch())
    assert not ecr.manifests


def test_a_tag_that_another_machine_took_meanwhile_is_told_as_that(
    recipe: ComposedRecipe, ecr: RegistryDouble
) -> None:
    ecr.put("app", recipe.contents, b"{}", "application/json")
    with pytest.raises(TagTaken):
        recipe.compose(Registry(f"{ecr.host}/app", lambda: "good"), recipe.contents, Watch())
