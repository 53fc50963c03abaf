"""What the plan says of the next push: it is what the push then uploads."""

from __future__ import annotations

import json
from dataclasses import replace

from composition import compose, manifest_of
from registry_double import RegistryDouble

from batchctl.image.composed import ComposedRecipe
from batchctl.image.layer_changes import LayerChanges, layer_changes
from batchctl.image.oci.descriptors import Manifest


def changes(recipe: ComposedRecipe, ecr: RegistryDouble) -> LayerChanges:
    """Compare a recipe as it is now with the image that was pushed last."""
    names = [name for name in ecr.manifests if "@" not in name]
    newest = Manifest.parse(ecr.manifests[names[-1]][0], "app") if names else None
    return layer_changes(replace(recipe), newest)


def test_the_first_image_is_made_whole(recipe: ComposedRecipe, ecr: RegistryDouble) -> None:
    (recipe.folder / "requirements.txt").write_text("numpy>=2\nhttpx\n")
    found = changes(recipe, ecr)
    assert found.reused == ()
    assert found.made == {
        "base image": recipe.base_name,
        "packages": "numpy>=2, httpx",
        "runner": "",
        "compute": "0 kB",
    }


def test_a_changed_file_is_one_layer_and_its_size_is_said(
    recipe: ComposedRecipe, ecr: RegistryDouble
) -> None:
    compose(recipe, ecr)
    assert changes(recipe, ecr).made == {}
    (recipe.folder / "data" / "prices.csv").write_text("1," * 6000)
    found = changes(recipe, ecr)
    assert found.made == {"compute": "12 kB"}
    assert found.reused == ("base image", "packages", "runner")


def test_other_packages_are_said_and_really_uploaded(
    recipe: ComposedRecipe, ecr: RegistryDouble
) -> None:
    compose(recipe, ecr)
    (recipe.folder / "requirements.txt").write_text("numpy\n")
    said = set(changes(recipe, ecr).made)
    uploaded = compose(recipe, ecr).uploaded
    layers = manifest_of(recipe, ecr)["layers"]
    roles = {
        each["digest"]: each.get("annotations", {}).get("dev.batchctl.layer") for each in layers
    }
    assert said == {"packages", "compute"} == {roles[each] for each in uploaded if each in roles}


def test_another_base_image_or_processor_or_a_rebuild_takes_nothing_over(
    recipe: ComposedRecipe, ecr: RegistryDouble
) -> None:
    compose(recipe, ecr)
    for other in (
        replace(recipe, base_image="ghcr.io/other/python:3.12"),
        replace(recipe, platform="linux/arm64"),
        replace(recipe, rebuilt="20261128T110000Z"),
    ):
        assert changes(other, ecr).reused == ()


def test_an_image_of_another_making_serves_for_nothing(
    recipe: ComposedRecipe, ecr: RegistryDouble
) -> None:
    compose(recipe, ecr)
    (name,) = (each for each in ecr.manifests if "@" not in each)
    foreign = json.loads(ecr.manifests[name][0])
    del foreign["annotations"]
    manifest = Manifest.parse(json.dumps(foreign).encode(), "app")
    assert layer_changes(replace(recipe), manifest).reused == ()
