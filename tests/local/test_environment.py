"""The Python environment of the local cloud: which it is, how it is made, and what can fail.

`uv` and the user's Python are scripts here, which note their calls and make what the real ones do.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pytest
from filelock import FileLock

from batchctl import private_files
from batchctl.errors import BatchctlError
from batchctl.local.environment import choice, kept, launch
from batchctl.local.environment.choice import CloudPython, cloud_python

# Fails with what is in the file `fails`, if there is one. `venv` copies the script itself into the
# new environment, as its Python; `pip install` puts MiniStack beside it.
PROGRAM = """#!/bin/sh
echo "{name} $*" >> {folder}/calls
env > {folder}/environment
verb=venv
for word in "$@"; do
    case "$word" in venv) verb=venv ;; install) verb=install ;; esac
    last=$word
done
if [ -f {folder}/$verb.fails ]; then cat {folder}/$verb.fails; exit 2; fi
if [ $verb = venv ]; then
    mkdir -p "$last/bin"
    cp {folder}/bin/{name} "$last/bin/python"
else
    sleep {pause}
    for made in {cache}/*.partial; do mkdir -p "$made/lib/python3/site-packages/ministack"; done
    for made in {cache}/*.partial; do touch "$made/lib/python3/site-packages/ministack/app.py"; done
fi
"""
NO_NETWORK = "WARNING: Retrying after connection broken\nERROR: No matching distribution found"
NO_ENSUREPIP = (
    "The virtual environment was not created successfully because ensurepip is not\nfound"
)


@dataclass
class Machine:
    """A machine whose present environment lacks MiniStack."""

    folder: Path
    cache: Path

    def install(self, name: str, pause: float = 0) -> Path:
        """Put a program on the PATH."""
        text = PROGRAM.format(name=name, folder=self.folder, cache=self.cache, pause=pause)
        program = self.folder / "bin" / name
        program.write_text(text)
        program.chmod(0o755)
        return program

    def fail(self, verb: str, text: str) -> None:
        (self.folder / f"{verb}.fails").write_text(text)

    def mend(self, verb: str) -> None:
        (self.folder / f"{verb}.fails").unlink()

    @property
    def calls(self) -> list[str]:
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def environments(self) -> list[str]:
        """What is in the cache but locks."""
        found = self.cache.iterdir() if self.cache.exists() else ()
        return sorted(path.name for path in found if path.suffix != ".lock")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine with Python and without uv; requirements that the present environment lacks."""
    made = Machine(tmp_path, tmp_path / "cache" / "batchctl")
    (tmp_path / "bin").mkdir()
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("botocore==9.9.9 \\\n    --hash=sha256:0\nministack==9.9.9\n")
    monkeypatch.setattr(choice, "REQUIREMENTS", requirements)
    monkeypatch.setattr(sys, "executable", str(made.install("python")))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    return made


def start(lines: list[str] | None = None) -> CloudPython:
    return cloud_python((lines if lines is not None else []).append)


def test_an_environment_that_has_the_very_versions_is_used_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    lines: list[str] = []
    assert start(lines) == CloudPython(sys.executable, is_own=False)
    assert lines == []
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("name", ["ministack", "botocore"])
def test_an_environment_with_another_version_is_left_alone(
    machine: Machine, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = {"ministack": "9.9.9", "botocore": "9.9.9"}
    monkeypatch.setattr(metadata, "version", lambda package: there[package])
    assert not start().is_own
    there[name] = "9.9.10"
    assert start().is_own


def test_the_first_start_installs_by_hash_and_says_so_later_ones_find_it(machine: Machine) -> None:
    lines: list[str] = []
    made = start(lines)
    environment = machine.cache / choice.environment_name()
    assert made == CloudPython(str(environment / "bin" / "python"), is_own=True)
    assert machine.environments == [environment.name]
    assert [line.partition(",")[0] for line in lines] == ["installing what the local cloud runs on"]
    venv, install = machine.calls
    assert venv == f"python -P -m venv {environment}.partial"
    assert install.endswith(f"--require-hashes --requirement {choice.REQUIREMENTS}")
    assert start(lines) == made
    assert (len(lines), len(machine.calls)) == (1, 2)


def test_uv_is_used_where_it_is(machine: Machine) -> None:
    machine.install("uv")
    start()
    venv, install = machine.calls
    assert venv.startswith(f"uv venv --quiet --no-project --python {sys.executable} ")
    assert install.startswith("uv pip install --quiet --python ")
    assert "--require-hashes" in install


def test_where_uv_fails_pip_is_tried(machine: Machine) -> None:
    uv = machine.install("uv")
    uv.write_text("#!/bin/sh\nmkdir -p half-made; echo 'error: invalid index'; exit 2\n")
    assert start().is_own
    assert [call.split()[0] for call in machine.calls] == ["python", "python"]


def test_without_a_network_each_way_says_why_and_nothing_is_left(machine: Machine) -> None:
    machine.install("uv")
    machine.fail("install", NO_NETWORK)
    with pytest.raises(BatchctlError) as caught:
        start()
    assert caught.value.message == (
        f"could not install the local cloud:\nuv: {NO_NETWORK}\npip: {NO_NETWORK}"
    )
    by_hand = f"`{sys.executable} -m pip install --requirement {choice.REQUIREMENTS}`"
    assert by_hand in str(caught.value.hint)
    assert machine.environments == []
    machine.mend("install")
    assert start().is_own


@pytest.mark.parametrize(
    ("verb", "text", "hint"),
    [
        ("venv", NO_ENSUREPIP, "python3-venv"),
        ("venv", "/usr/bin/python3: No module named venv", "python3-venv"),
        ("install", "ERROR: [Errno 28] No space left on device", "XDG_CACHE_HOME"),
        ("install", "ERROR: [Errno 122] Disk quota exceeded", "XDG_CACHE_HOME"),
    ],
)
def test_what_the_machine_lacks_is_named(machine: Machine, verb: str, text: str, hint: str) -> None:
    machine.fail(verb, text)
    with pytest.raises(BatchctlError) as caught:
        start()
    assert text in caught.value.message
    assert hint in str(caught.value.hint)
    assert machine.environments == []


def test_a_failure_that_says_nothing_has_its_exit_code(machine: Machine) -> None:
    machine.fail("install", "")
    with pytest.raises(BatchctlError, match="pip: exit code 2"):
        start()


def test_a_python_that_cannot_be_run_is_named(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(machine.folder / "gone"))
    with pytest.raises(BatchctlError, match=r"could not run `.*gone`: No such file"):
        start()


def test_two_starts_at_once_install_once(machine: Machine) -> None:
    machine.install("uv", pause=0.3)
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: start(), range(2))
    assert first == second
    assert len(machine.calls) == 2


def test_a_start_that_waits_too_long_says_for_what(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "_LOCK_TIMEOUT_S", 0)
    machine.cache.mkdir(parents=True)
    lock = machine.cache / f"{choice.environment_name()}.lock"
    with FileLock(lock), pytest.raises(BatchctlError, match="another process") as caught:
        start()
    assert str(lock) in str(caught.value.hint)


def test_what_a_killed_start_left_half_made_is_never_used(machine: Machine) -> None:
    partial = machine.cache / f"{choice.environment_name()}.partial"
    partial.mkdir(parents=True)
    (partial / "old").touch()
    made = Path(start().executable).parents[1]
    assert not (made / "old").exists()
    assert machine.environments == [made.name]


def test_an_installation_that_is_interrupted_leaves_nothing(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        next(machine.cache.glob("*.lock"))
        (machine.cache / f"{choice.environment_name()}.partial").mkdir()
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        start()
    assert machine.environments == []


@pytest.mark.parametrize("missing", ["bin/python", "lib/python3/site-packages/ministack/app.py"])
def test_an_environment_without_its_python_or_packages_is_made_anew(
    machine: Machine, missing: str
) -> None:
    made = Path(start().executable).parents[1]
    (made / missing).unlink()
    # As where the Python that it was made by has been uninstalled.
    (made / missing).symlink_to(machine.folder / "uninstalled")
    assert Path(start().executable).parents[1] == made
    assert (made / missing).exists()
    assert len(machine.calls) == 4


@pytest.mark.parametrize("what", ["requirements", "version", "place"])
def test_another_batchctl_or_python_has_another_environment(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    before = start()
    if what == "requirements":
        choice.REQUIREMENTS.write_text("botocore==9.9.9\nministack==9.9.10\n")
    elif what == "version":
        monkeypatch.setattr(sys.implementation, "cache_tag", "cpython-399")
    else:
        monkeypatch.setattr(sys, "base_prefix", "/opt/python")
    assert start() != before
    assert len(machine.environments) == 2


def test_the_users_packages_are_no_part_of_it(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"):
        monkeypatch.setenv(name, "/home/user/packages")
    start()
    assert "/home/user/packages" not in (machine.folder / "environment").read_text()


def test_a_cache_directory_that_is_a_link_is_refused(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    machine.cache.parent.mkdir()
    machine.cache.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BatchctlError, match="symbolic link"):
        start()
    assert machine.calls == []


def test_the_cache_directory_is_the_users_alone(machine: Machine) -> None:
    start()
    assert machine.cache.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("named", ["", "relative"])
def test_without_a_named_cache_directory_it_is_in_the_home_folder(
    monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", named)
    monkeypatch.setenv("HOME", "/home/somebody")
    assert private_files.cache_directory() == Path("/home/somebody/.cache/batchctl")


def test_a_cache_directory_that_cannot_be_made_is_named(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(BatchctlError, match=r"could not make the folder `.*cache`"):
        start()


def test_a_module_of_this_batchctl_runs_where_no_batchctl_is_installed(tmp_path: Path) -> None:
    (tmp_path / "batchctl").mkdir()
    (tmp_path / "batchctl" / "__init__.py").write_text("raise SystemExit('the wrong batchctl')")
    (python, safely, *command) = launch.command("batchctl.local.reaper")
    # Isolated, and without what is installed: not a word of batchctl's folder on the path.
    done = subprocess.run(
        [python, safely, "-I", "-S", *command],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_cloud_imports_nothing_that_its_environment_lacks() -> None:
    script = """
import sys
import batchctl.local.cloud, batchctl.local.reaper
print(*(module.__file__ for name, module in sys.modules.items() if name.startswith("batchctl")))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    nodes = [
        node for name in done.stdout.split() for node in ast.walk(ast.parse(Path(name).read_text()))
    ]
    imported = {
        *(node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)),
        *(each.name for node in nodes if isinstance(node, ast.Import) for each in node.names),
    }
    roots = {name.partition(".")[0] for name in imported} - sys.stdlib_module_names
    assert {"batchctl", "boto3", "hypercorn"} <= roots <= {"batchctl", *choice.versions()}
