"""Examples of the ECR kinds."""

from __future__ import annotations

import dataclasses

from example import Example
from fake_recipe import FakeRecipe

from batchctl.resources.ecr.images import Image
from batchctl.resources.ecr.repositories import Repository

repository = Repository(label="compute", name="batchapp-compute")
image = Image(
    label="compute",
    name="batchapp-compute:0a1b2c3d4e5f",
    repository=repository,
    recipe=FakeRecipe(),
)

EXAMPLES = [
    # Nothing of a repository can be configured.
    Example(repository),
    Example(image, dataclasses.replace(image, recipe=FakeRecipe("5f4e3d2c1b0a"))),
]
