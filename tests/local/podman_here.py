"""Podman on this machine, with images made of the machine's own programs: no registry is asked.

Everything podman keeps is in a folder of its own, which goes with the tests.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

# As they work in a sandbox: without systemd, and not with crun.
OPTIONS = ("--runtime", "runc", "--cgroup-manager=cgroupfs")
# The first copies nothing; the second works everywhere.
STORAGE_DRIVERS = ("overlay", "vfs")
TRIAL = "localhost/trial"
# An engine's own defaults may exceed what this machine lets it set.
LIMITS = ("--ulimit=nofile=1024:1024", "--ulimit=nproc=1000:1000")
SEARCH = "/usr/local/bin:/usr/bin:/bin"
SHELL_PROGRAMS = ("sh", "cat", "env", "id", "head", "sleep", "tail", "true")


@dataclass(frozen=True)
class Podman:
    """A podman whose images and containers are in `folder`."""

    folder: Path

    @property
    def command(self) -> tuple[str, ...]:
        """Podman with the options that it needs here."""
        return self._tried[0]

    @property
    def refusal(self) -> str:
        """Why it runs no container here, in its own words; empty when it does."""
        return self._tried[1]

    @cached_property
    def _tried(self) -> tuple[tuple[str, ...], str]:
        """The first options with which a container runs, else the last; and why it doesn't."""
        archive = self.folder / "trial.tar"
        write_archive(archive, programs(("true",)))
        for command in map(self._with_driver, STORAGE_DRIVERS):
            refusal = _try(command, archive)
            if not refusal:
                break
        return command, refusal

    def _with_driver(self, driver: str) -> tuple[str, ...]:
        places = ("--root", str(self.folder / driver), "--runroot", str(self.folder / "run"))
        return ("podman", *places, *OPTIONS, "--storage-driver", driver)

    def run(self, *arguments: str, check: bool = True) -> str:
        done = subprocess.run(
            [*self.command, *arguments], capture_output=True, text=True, check=False, timeout=120
        )
        assert not check or done.returncode == 0, done.stderr
        return done.stdout.strip()

    def environment(self, calls: Path) -> dict[str, str]:
        """What makes batchctl use it, and this podman write each of its command lines to `calls`.

        Only `chroot` builds without a network of the container's own.
        """
        recorder = self.folder / "bin" / "podman"
        recorder.parent.mkdir()
        program = shutil.which("podman")
        recorder.write_text(f'#!/bin/sh\necho "$*" >> {calls}\nexec {program} "$@"\n')
        recorder.chmod(0o755)
        return {
            "PATH": f"{recorder.parent}:{os.environ['PATH']}",
            "BATCHCTL_BUILDER_OPTIONS": shlex.join(self.command[1:]),
            "BUILDAH_ISOLATION": "chroot",
        }

    def containers(self) -> list[str]:
        return self.run("ps", "--all", "--quiet").split()

    def import_programs(self, image: str, *names: str) -> None:
        """Make an image of programs of this machine and the libraries that they load."""
        self.import_files(image, programs(names))

    def import_files(self, image: str, files: Iterable[tuple[Path, str]], *variables: str) -> None:
        """Make an image of (file, name in the image)s, with PATH and other variables set."""
        archive = self.folder / "image.tar"
        write_archive(archive, files)
        changes = [f"--change=ENV {each}" for each in (f"PATH={SEARCH}", *variables)]
        self.run("import", "--quiet", *changes, str(archive), image)
        archive.unlink()


@contextmanager
def temporary_podman() -> Iterator[Podman]:
    """Give a podman of one's own; it must have no containers at the end, when all of it goes.

    Where it can't run a container the test skips, and says why.
    Podman refuses a `--runroot` of more than 50 characters, which pytest's own folders have.
    """
    folder = Path(tempfile.mkdtemp(prefix="podman-", dir="/tmp"))
    podman = Podman(folder)
    try:
        if podman.refusal:
            pytest.skip(f"podman can't run: {podman.refusal}")
        yield podman
        assert podman.containers() == []
    finally:
        shutil.rmtree(folder)


def why_not() -> str:
    """What podman lacks here; empty when it has all. Whether it runs then is to be tried."""
    if absent := missing(("podman", "runc", "conmon")):
        return f"not installed: {', '.join(absent)}"
    if os.geteuid() != 0:
        return "runc with cgroupfs needs root"
    return ""


def missing(names: Iterable[str]) -> list[str]:
    """Which of these programs this machine lacks."""
    return [name for name in names if not _which(name)]


def programs(names: Iterable[str]) -> Iterator[tuple[Path, str]]:
    """Yield programs of this machine and the libraries that they load, each at its place."""
    for name in names:
        found = _which(name)
        assert found, f"no `{name}` here"
        yield Path(found), f"/usr/bin/{name}"
        yield from libraries([Path(found)])
        if name == "sh":
            yield Path(found), "/bin/sh"


def libraries(paths: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    """Yield the shared libraries that programs or libraries load."""
    listed = subprocess.run(["ldd", *map(str, paths)], capture_output=True, text=True, check=False)
    for name in re.findall(r"(/\S+) \(0x", listed.stdout):
        yield Path(name), name


def write_archive(archive: Path, files: Iterable[tuple[Path, str]]) -> None:
    """Write what `podman import` takes: each (file, name in the image) once."""
    with tarfile.open(archive, "w") as tar:
        for path, name in sorted(set(files)):
            tar.add(path.resolve(), name.lstrip("/"), recursive=False)


def _try(command: tuple[str, ...], archive: Path) -> str:
    """Run a container, and leave nothing of it; return why that failed, empty when it didn't."""
    for arguments in (
        ("import", "--quiet", str(archive), TRIAL),
        ("run", "--rm", "--network=host", *LIMITS, TRIAL, "/usr/bin/true"),
        ("rmi", "--force", TRIAL),
    ):
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    return ""


def _which(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
