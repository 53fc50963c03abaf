"""Packages laid out for another machine: by pip for real, by uv as it is called."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from wheels import write_wheel

from batchctl.errors import BatchctlError
from batchctl.image.dependencies import Dependencies
from batchctl.image.installation import PackageTarget, install
from batchctl.image.running import Watch

ARM = PackageTarget("linux/arm64", "3.13")
OWN = ("ours",)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All that pip finds: a folder of wheels, with what we need ourselves. There is no uv."""
    folder = tmp_path / "index"
    write_wheel(folder, "ours")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    return folder


def installed(tmp_path: Path, dependencies: Dependencies, target: PackageTarget = ARM) -> Path:
    """Install these and what is ours; return the folder."""
    work = tmp_path / "work"
    work.mkdir()
    install(dependencies, OWN, target, work / "packages", Watch())
    assert [each.name for each in work.iterdir()] == ["packages"], "nothing else is left"
    return work / "packages"


def test_pip_lays_out_the_wheels_of_the_target(tmp_path: Path, index: Path) -> None:
    for machine in ("x86_64", "aarch64"):
        write_wheel(index, "fast", tag=f"cp313-cp313-manylinux_2_28_{machine}")
        write_wheel(index, "older", tag=f"cp38-abi3-manylinux2014_{machine}")
    # Newer ones, for others: another system, another C library, another Python.
    write_wheel(index, "fast", "2.0", "cp313-cp313-macosx_11_0_arm64")
    write_wheel(index, "fast", "2.1", "cp313-cp313-manylinux_2_39_aarch64")
    write_wheel(index, "fast", "2.2", "cp312-cp312-manylinux_2_28_aarch64")

    folder = installed(tmp_path, Dependencies("requirements.txt", ("fast", "older")))

    assert {each.name for each in folder.glob("*.py")} == {"fast.py", "older.py", "ours.py"}
    assert "VERSION = '1.0'" in (folder / "fast.py").read_text()
    wheel = (folder / "fast-1.0.dist-info" / "WHEEL").read_text()
    assert "manylinux_2_28_aarch64" in wheel


def test_the_targets_python_decides_not_the_one_that_runs_pip(tmp_path: Path, index: Path) -> None:
    write_wheel(index, "late", "1.0")
    write_wheel(index, "late", "2.0", metadata="Requires-Python: >=3.13\n")
    write_wheel(index, "late", "3.0", metadata="Requires-Python: >=3.14\n")
    folder = installed(tmp_path, Dependencies("requirements.txt", ("late",)))
    assert "2.0" in (folder / "late.py").read_text()


def test_constraints_hold_what_comes_along(tmp_path: Path, index: Path) -> None:
    write_wheel(index, "main", metadata="Requires-Dist: part\n")
    for version in ("1.0", "2.0"):
        write_wheel(index, "part", version)
    wanted = Dependencies("pyproject.toml", ("main",), constraints=("part==1.0",))
    assert "1.0" in (installed(tmp_path, wanted) / "part.py").read_text()


def test_a_file_that_the_requirements_refer_to_is_read(tmp_path: Path, index: Path) -> None:
    for version in ("1.0", "2.0"):
        write_wheel(index, "part", version)
    referred = {"requirements-more.txt": b"part<2\n"}
    wanted = Dependencies("requirements.txt", ("-r requirements-more.txt",), referred=referred)
    assert "1.0" in (installed(tmp_path, wanted) / "part.py").read_text()


def test_requirements_with_hashes_are_held_to_them_and_ours_come_after(
    tmp_path: Path, index: Path
) -> None:
    good = write_wheel(index, "part", "1.0")
    write_wheel(index, "part", "2.0")
    write_wheel(index, "ours", "1.1", metadata="Requires-Dist: part\n")
    digest = hashlib.sha256(good.read_bytes()).hexdigest()
    lines = (f"part==1.0 --hash=sha256:{digest}",)
    folder = installed(tmp_path, Dependencies("requirements.txt", lines))
    assert "1.0" in (folder / "part.py").read_text()
    assert "1.1" in (folder / "ours.py").read_text()

    other = Dependencies("requirements.txt", (lines[0].replace(digest, "0" * 64),))
    with pytest.raises(BatchctlError, match="DO NOT MATCH THE HASHES"):
        install(other, OWN, ARM, tmp_path / "work" / "other", Watch())


def test_a_package_without_a_wheel_is_named_with_the_way_out(tmp_path: Path, index: Path) -> None:
    write_wheel(index, "fast", tag="cp313-cp313-manylinux_2_28_x86_64")
    with pytest.raises(BatchctlError) as raised:
        installed(tmp_path, Dependencies("compute.py", ("fast",)))
    message = "could not install `fast` for Python 3.13 on linux/arm64: it has no wheel for that"
    assert raised.value.message.startswith(message)
    assert "`compute.py`" in str(raised.value.hint)
    assert "`Dockerfile`" in str(raised.value.hint)


def test_no_wheels_exist_for_a_processor_that_python_has_none_for(tmp_path: Path) -> None:
    with pytest.raises(BatchctlError, match="linux/s390x: no wheels"):
        installed(tmp_path, Dependencies(), PackageTarget("linux/s390x", "3.13"))


class FakeUv:
    """A uv that writes down how it is called, and fails with a text if it is told to."""

    def __init__(self, folder: Path) -> None:
        self.calls = folder / "calls"
        folder.mkdir()
        script = folder / "uv"
        script.write_text(
            "#!/bin/sh\n"
            f'printf "%s\\n" "$@" > {self.calls}\n'
            'while [ "$1" != --requirement ]; do shift; done\n'
            f'while read -r line; do echo "$line"; done < "$2" >> {self.calls}\n'
            f'while read -r line; do echo "$line"; done < {folder}/failure >&2 && exit 1\n'
            "exit 0\n"
        )
        script.chmod(0o755)
        self.failure = folder / "failure"


@pytest.fixture
def uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeUv:
    monkeypatch.setenv("PATH", f"{tmp_path / 'uv-is-here'}")
    return FakeUv(tmp_path / "uv-is-here")


def test_uv_is_taken_where_it_is(tmp_path: Path, uv: FakeUv) -> None:
    install(Dependencies("requirements.txt", ("numpy",)), OWN, ARM, tmp_path / "packages", Watch())
    said = uv.calls.read_text().splitlines()
    assert said[:2] == ["pip", "install"]
    for option, value in (
        ("--target", str(tmp_path / "packages")),
        ("--only-binary", ":all:"),
        ("--python-platform", "aarch64-manylinux_2_36"),
        ("--python-version", "3.13"),
    ):
        assert said[said.index(option) + 1] == value
    assert said[-2:] == ["ours", "numpy"]


@pytest.mark.parametrize(
    "text",
    [
        "  cause: Because all versions of pyaudio have no usable wheels and you require pyaudio",
        "hint: Wheels are required for `pyaudio` because building from source is disabled",
        "Because pyaudio was not found in the package registry and you require pyaudio, we can",
        "Because pyaudio==0.2 has no wheels with a matching Python ABI tag",
    ],
)
def test_a_package_that_uv_has_no_wheel_of_is_named(tmp_path: Path, uv: FakeUv, text: str) -> None:
    uv.failure.write_text(f"error: No solution found when resolving dependencies\n{text}\n")
    with pytest.raises(BatchctlError, match="could not install `pyaudio`"):
        installed(tmp_path, Dependencies("requirements.txt", ("pyaudio",)))


def test_what_else_uv_says_is_shown_whole(tmp_path: Path, uv: FakeUv) -> None:
    uv.failure.write_text("error: Failed to fetch: `https://pypi.org/simple/numpy/`\n")
    with pytest.raises(BatchctlError, match="could not install the packages") as raised:
        installed(tmp_path, Dependencies("requirements.txt", ("numpy",)))
    assert "Failed to fetch: `https://pypi.org" in raised.value.message
