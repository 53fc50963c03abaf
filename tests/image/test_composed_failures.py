"""An image that batchctl makes itself: what goes wrong on the way, and what is left then."""

from __future__ import annotations

from dataclasses import replace

import pytest
from composition import (
    BASE,
    BIG,
    compose,
    files_of,
    unpacked,
)
from registry_double import RegistryDouble

from batchctl.errors import BatchctlError, Interrupted
from batchctl.image.composed import ComposedRecipe
from batchctl.image.oci.transport import RegistryError
from batchctl.image.recipe import Registry
from batchctl.image.running import Watch


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
    big = next(each for each, content in public.blobs.items() if BIG in unpacked(content))
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
