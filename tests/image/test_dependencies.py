"""What compute.py needs: said in one of three places, and what goes wrong in each."""

from __future__ import annotations

from pathlib import Path

import pytest

from batchctl.errors import BatchctlError
from batchctl.image.dependencies import Dependencies, read_dependencies

SCRIPT = """\
# /// script
# requires-python = ">=3.12"
# dependencies = [
#   "httpx<1",
#   "rich",
# ]
# ///
import httpx
def compute(item, parameters): return {}
"""
LOCK = """\
version = 1
[[package]]
name = "numpy"
version = "2.1.0"
source = { registry = "https://pypi.org/simple" }
[[package]]
name = "six"
version = "1.16.0"
source = { registry = "https://pypi.org/simple" }
[[package]]
name = "six"
version = "1.17.0"
source = { registry = "https://pypi.org/simple" }
[[package]]
name = "own"
version = "1"
source = { virtual = "." }
"""


@pytest.fixture
def compute(tmp_path: Path) -> Path:
    """A folder with a compute.py that needs nothing."""
    (tmp_path / "compute.py").write_text("def compute(item, parameters): return {}\n")
    return tmp_path


def test_a_compute_py_alone_needs_nothing(compute: Path) -> None:
    assert read_dependencies(compute) == Dependencies()


def test_requirements_txt_is_read_as_pip_reads_it(compute: Path) -> None:
    (compute / "requirements.txt").write_text(
        "# what it needs\nnumpy>=2  # arrays\n\n-c constraints.txt\nhttpx \\\n  <1\n"
    )
    (compute / "constraints.txt").write_text("numpy<3\n")
    (compute / "data.txt").write_text("nothing to pip")

    found = read_dependencies(compute)

    assert found.source == "requirements.txt"
    assert found.lines == ("numpy>=2", "-c constraints.txt", "httpx    <1")
    assert found.referred is not None
    assert set(found.referred) == {"requirements.txt", "constraints.txt"}


def test_a_projects_dependencies_are_held_to_what_uv_lock_says(compute: Path) -> None:
    (compute / "pyproject.toml").write_text(
        '[project]\nname = "own"\nversion = "1"\nrequires-python = ">=3.12"\n'
        'dependencies = ["numpy"]\n'
    )
    (compute / "uv.lock").write_text(LOCK)

    found = read_dependencies(compute)

    assert (found.source, found.lines) == ("pyproject.toml", ("numpy",))
    assert found.constraints == ("numpy==2.1.0",), (
        "a name with two versions is left to the resolver"
    )
    assert found.requires_python == ">=3.12"


@pytest.mark.parametrize("text", ["[tool.ruff]\n", '[project]\nname = "x"\nversion = "1"\n'])
def test_a_pyproject_without_dependencies_is_no_place_of_them(compute: Path, text: str) -> None:
    (compute / "pyproject.toml").write_text(text)
    (compute / "requirements.txt").write_text("six\n")
    assert read_dependencies(compute).source == "requirements.txt"


def test_the_block_at_the_head_of_compute_py_says_it(compute: Path) -> None:
    (compute / "compute.py").write_text(SCRIPT)
    found = read_dependencies(compute)
    assert found == Dependencies(
        "compute.py", ("httpx<1", "rich"), folder=compute, requires_python=">=3.12"
    )


def test_two_places_are_an_error_that_names_both(compute: Path) -> None:
    (compute / "compute.py").write_text(SCRIPT)
    (compute / "requirements.txt").write_text("rich\n")
    with pytest.raises(BatchctlError, match=r"`requirements.txt` and `compute.py` both say so"):
        read_dependencies(compute)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("pyproject.toml", "[project\n", "could not read"),
        ("pyproject.toml", '[project]\ndependencies = "numpy"\n', "must be a list of strings"),
        ("pyproject.toml", "[project]\ndependencies = [1]\n", "must be a list of strings"),
        ("compute.py", "# /// script\n# dependencies = [\n# ///\n", "could not read"),
        ("compute.py", SCRIPT + SCRIPT, "two blocks"),
    ],
)
def test_what_cannot_be_read_is_an_error_that_names_the_file(
    compute: Path, name: str, text: str, said: str
) -> None:
    (compute / name).write_text(text)
    with pytest.raises(BatchctlError, match=said) as raised:
        read_dependencies(compute)
    assert name in raised.value.message


def test_a_file_of_other_bytes_is_an_error_that_names_it(compute: Path) -> None:
    (compute / "requirements.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BatchctlError, match=r"requirements\.txt"):
        read_dependencies(compute)


def test_the_hash_tells_apart_what_installs_something_else(compute: Path) -> None:
    hashes = {read_dependencies(compute).hash}
    for name, text in (
        ("requirements.txt", "-r requirements-more.txt\n"),
        ("requirements-more.txt", "six\n"),
        ("requirements-more.txt", "six<2\n"),
    ):
        (compute / name).write_text(text)
        hashes.add(read_dependencies(compute).hash)
    assert len(hashes) == 4
    assert read_dependencies(compute).hash in hashes
