"""The locks of development and releases: what is asked for, by hash, from no registry by name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import setuptools
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
LOCAL_CLOUD = "batchctl/local/environment/requirements.txt"
# Each with the number of packages that it has more of.
LOCKS = {"requirements-dev.txt": 20, ".ci/release.txt": 20, LOCAL_CLOUD: 15}


def text_of(lock: str) -> str:
    return (ROOT / lock).read_text(encoding="utf-8")


def pins_of(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ ;]+)", text_of(lock), re.MULTILINE))


def asked_for_by_setup() -> list[str]:
    """Return what setup.py passes on to pip, the extras included."""
    given: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(setuptools, "setup", lambda **arguments: given.update(arguments))
        code = compile((ROOT / "setup.py").read_text(encoding="utf-8"), ROOT / "setup.py", "exec")
        exec(code, {"__file__": str(ROOT / "setup.py"), "__name__": "setup"})  # noqa: S102 - ours
    extras = given["extras_require"]
    return [*given["install_requires"], *(each for extra in extras.values() for each in extra)]


def asked_for(file: str) -> list[str]:
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


@pytest.mark.parametrize(
    ("lock", "text"),
    [
        *(("requirements-dev.txt", each) for each in asked_for_by_setup()),
        *((".ci/release.txt", each) for each in asked_for(".ci/release.in")),
        *((LOCAL_CLOUD, each) for each in asked_for(f"{LOCAL_CLOUD[:-4]}.in")),
    ],
)
def test_the_lock_has_a_version_that_is_allowed(lock: str, text: str) -> None:
    requirement = Requirement(text)
    pinned = pins_of(lock).get(canonicalize_name(requirement.name))
    assert pinned, "`make lock` pins it"
    assert Version(pinned) in requirement.specifier, "`make lock` pins it anew"


@pytest.mark.parametrize("lock", LOCKS)
def test_everything_in_a_lock_is_known_by_hash(lock: str) -> None:
    blocks = re.split(r"\n(?! )", text_of(lock).strip())
    assert len(blocks) == len(pins_of(lock)) > LOCKS[lock]
    assert [block for block in blocks if "--hash=sha256:" not in block] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_registry_and_no_folder(lock: str) -> None:
    named = re.search(
        r"https?:|--index|--find-links|file:|@ |^\s*-e |/", text_of(lock), re.MULTILINE
    )
    assert named is None


def test_development_tries_what_the_local_cloud_installs() -> None:
    assert pins_of(LOCAL_CLOUD).items() <= pins_of("requirements-dev.txt").items()
