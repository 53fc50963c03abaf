"""An image that batchctl makes itself: what is in it, what is uploaded, what goes wrong."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from registry_double import RegistryDouble, digest, serving

from batchctl.errors import BatchctlError, Interrupted
from batchctl.image.composed import ComposedRecipe
from batchctl.image.dependencies import Dependencies
from batchctl.image.failures import TagTaken
from batchctl.image.installation import PackageTarget
from batchctl.image.oci.pushing import Transfer
from batchctl.image.oci.transport import RegistryError, Transport
from batchctl.image.recipe import Registry
from batchctl.image.running import Watch

BASE = "library/python"
BIG = b"a layer of the base image" * 100_000


def tar(files: dict[str, bytes]) -> bytes:
    """Return a tar file with these files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def configuration(architecture: str, *layers: bytes) -> dict[str, Any]:
    """Return the configuration of a base image of Python 3.12."""
    return {
        "architecture": architecture,
        "os": "linux",
        "config": {
            "Env": ["PATH=/usr/local/bin:/usr/bin", "PYTHON_VERSION=3.12.4"],
            "Entrypoint": ["/docker-entrypoint.sh"],
        },
        "rootfs": {"type": "layers", "diff_ids": [digest(each) for each in layers]},
    }


@pytest.fixture
def public() -> Iterator[RegistryDouble]:
    """A public registry with the base image, for two platforms under one tag."""
    registry = RegistryDouble()
    layers = [tar({"etc/os": b"debian"}), tar({"usr/lib/big": BIG})]
    for_platforms = {}
    for architecture in ("amd64", "arm64"):
        packed = [gzip.compress(each, mtime=0) for each in layers]
        found = registry.add_image(
            BASE, packed, configuration(architecture, *layers), tag=architecture
        )
        for_platforms[f"linux/{architecture}"] = found
    registry.add_index(BASE, for_platforms, "3.12")
    with serving(registry):
        yield registry


@pytest.fixture
def ecr() -> Iterator[RegistryDouble]:
    """A private registry, which wants a password."""
    with serving(RegistryDouble(password="good")) as registry:
        yield registry


@pytest.fixture
def compute(tmp_path: Path) -> Path:
    """A folder with a compute.py and what it reads."""
    folder = tmp_path / "compute"
    (folder / "data").mkdir(parents=True)
    (folder / "compute.py").write_text("def compute(item, parameters):\n    return {}\n")
    (folder / "data" / "prices.csv").write_text("1,2\n")
    return folder


class Installer:
    """Lays out one package and counts how often it was asked to."""

    def __init__(self) -> None:
        self.targets: list[PackageTarget] = []

    def __call__(
        self,
        dependencies: Dependencies,
        own: Sequence[str],
        target: PackageTarget,
        folder: Path,
        watch: Watch,
    ) -> None:
        self.targets.append(target)
        (folder / "boto3").mkdir(parents=True)
        (folder / "boto3" / "__init__.py").write_text(", ".join([*own, *dependencies.lines]))
        (folder / "bin").mkdir()
        (folder / "bin" / "tool").write_text("#!/this/machine/python")


@pytest.fixture
def installer() -> Installer:
    return Installer()


@pytest.fixture
def recipe(
    compute: Path, public: RegistryDouble, installer: Installer, tmp_path: Path
) -> ComposedRecipe:
    """The recipe of that folder."""
    return ComposedRecipe(
        compute,
        "linux/amd64",
        tmp_path / "cache",
        base_image=f"{public.host}/{BASE}:3.12",
        workspace=tmp_path,
        transport=Transport(sleep=lambda _: None),
        installer=installer,
    )


def compose(recipe: ComposedRecipe, ecr: RegistryDouble) -> Transfer:
    """Make the image as it is now, beside those that are there; return what was transferred."""
    fresh = replace(recipe)
    tags = [name for name in ecr.manifests if ":" in name and "@" not in name]
    newest = digest(ecr.manifests[tags[-1]][0]) if tags else None
    registry = Registry(f"{ecr.host}/app", lambda: "good", newest)
    return fresh.compose(registry, fresh.contents, Watch())


def manifest_of(recipe: ComposedRecipe, ecr: RegistryDouble) -> dict[str, Any]:
    """Return the manifest of the image of a folder as it is now."""
    found: dict[str, Any] = json.loads(ecr.manifests[f"app:{replace(recipe).contents}"][0])
    return found


def files_of(recipe: ComposedRecipe, ecr: RegistryDouble) -> dict[str, tarfile.TarInfo]:
    """Return all that is in the layers of an image, by its name."""
    found = {}
    for layer in manifest_of(recipe, ecr)["layers"]:
        with tarfile.open(fileobj=io.BytesIO(ecr.blobs[layer["digest"]]), mode="r:gz") as archive:
            found.update({entry.name: entry for entry in archive})
    return found


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
    found = public.add_image(BASE, [gzip.compress(newer)], configuration("amd64", newer), "new")
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
    assert anew["layers"][0]["digest"] == digest(gzip.compress(newer))


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


@pytest.mark.parametrize(
    "fault",
    [
        (r"GET .*/token", 503),
        (r"GET .*/manifests/3.12", 429),
        (r"GET .*/blobs/sha256", "cut"),
        (r"GET .*/blobs/sha256", 502),
    ],
)
def test_a_base_image_that_comes_haltingly_comes_whole(
    recipe: ComposedRecipe,
    ecr: RegistryDouble,
    public: RegistryDouble,
    fault: tuple[str, int | str],
) -> None:
    public.faults.append(fault)
    compose(recipe, ecr)
    assert not public.faults
    assert "usr/lib/big" in files_of(recipe, ecr)


@pytest.mark.parametrize(
    "fault",
    [
        (r"POST .*/uploads/", 503),
        (r"PATCH", "cut"),
        (r"PATCH", 500),
        (r"PUT .*digest=", 502),
        (r"PUT .*/manifests/", 500),
        (r"HEAD .*/blobs/", 504),
    ],
)
def test_an_upload_that_is_cut_goes_on(
    recipe: ComposedRecipe, ecr: RegistryDouble, fault: tuple[str, int | str]
) -> None:
    ecr.faults.append(fault)
    compose(recipe, ecr)
    assert not ecr.faults
    assert "app/compute.py" in files_of(recipe, ecr)


def test_a_layer_with_another_checksum_is_refused_and_not_kept(
    recipe: ComposedRecipe, ecr: RegistryDouble, public: RegistryDouble
) -> None:
    big = next(each for each, content in public.blobs.items() if BIG in _unpacked(content))
    public.faults.append((f"GET .*{big}", "corrupt"))
    with pytest.raises(BatchctlError, match="its checksum is another"):
        compose(recipe, ecr)
    assert not ecr.manifests

    compose(recipe, ecr)
    assert "usr/lib/big" in files_of(recipe, ecr)


def test_a_base_image_that_is_not_there_is_named_with_the_setting_to_change(
    recipe: ComposedRecipe, ecr: RegistryDouble, public: RegistryDouble
) -> None:
    missing = replace(recipe, base_image=f"{public.host}/{BASE}:2.7")
    with pytest.raises(RegistryError, match="404 MANIFEST_UNKNOWN") as raised:
        compose(missing, ecr)
    assert "compute.base_image" in str(raised.value.hint)


def test_a_registry_that_does_not_answer_is_named(
    recipe: ComposedRecipe, ecr: RegistryDouble
) -> None:
    nobody = replace(recipe, base_image="127.0.0.1:1/library/python:3.12")
    with pytest.raises(RegistryError, match=r"could not reach the image registry `127.0.0.1`"):
        compose(nobody, ecr)


def test_a_base_image_for_other_machines_is_refused(
    recipe: ComposedRecipe, ecr: RegistryDouble, public: RegistryDouble
) -> None:
    for name in (f"{public.host}/{BASE}:3.12", f"{public.host}/{BASE}:arm64"):
        other = replace(recipe, platform="linux/amd64", base_image=name)
        if name.endswith("3.12"):
            other = replace(other, platform="linux/s390x")
        with pytest.raises(BatchctlError, match="could not use the base image"):
            compose(other, ecr)


def test_a_push_that_is_denied_says_which_rights_it_takes(
    recipe: ComposedRecipe, ecr: RegistryDouble
) -> None:
    ecr.faults.append((r"POST", 403))
    with pytest.raises(RegistryError, match="403") as raised:
        compose(recipe, ecr)
    assert "ecr:InitiateLayerUpload" in str(raised.value.hint)
    assert not ecr.manifests


def test_a_password_that_ends_on_the_way_is_asked_for_again(
    recipe: ComposedRecipe, ecr: RegistryDouble
) -> None:
    passwords = iter(["old", "good"])
    registry = Registry(f"{ecr.host}/app", lambda: next(passwords))
    recipe.compose(registry, recipe.contents, Watch())
    assert "app/compute.py" in files_of(recipe, ecr)


def test_ctrl_c_ends_it_and_nothing_half_is_left(
    recipe: ComposedRecipe, ecr: RegistryDouble
) -> None:
    watch = Watch()
    watch.stop.set()
    with pytest.raises(Interrupted):
        recipe.compose(Registry(f"{ecr.host}/app", lambda: "good"), recipe.contents, watch)
    assert not ecr.manifests


def _unpacked(content: bytes) -> bytes:
    try:
        return gzip.decompress(content)
    except OSError:
        return content
