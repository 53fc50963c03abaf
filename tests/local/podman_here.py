"""Podman on this machine, with images made of the machine's own programs: no registry is asked.

Everything podman keeps is in a folder of its own, which goes with the tests.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

# As they work in a sandbox: no systemd, no overlay mounts, and not crun.
OPTIONS = ("--runtime", "runc", "--cgroup-manager=cgroupfs", "--storage-driver", "vfs")
SEARCH = "/usr/local/bin:/usr/bin:/bin"
SHELL_PROGRAMS = ("sh", "cat", "env", "id", "head", "sleep", "tail", "true")


@dataclass(frozen=True)
class Podman:
    """A podman whose images and containers are in `folder`."""

    folder: Path

    @property
    def command(self) -> tuple[str, ...]:
        store, run = self.folder / "store", self.folder / "run"
        return ("podman", "--root", str(store), "--runroot", str(run), *OPTIONS)

    def run(self, *arguments: str, check: bool = True) -> str:
        done = subprocess.run(
            [*self.command, *arguments], capture_output=True, text=True, check=False, timeout=120
        )
        assert not check or done.returncode == 0, done.stderr
        return done.stdout.strip()

    def containers(self) -> list[str]:
        return self.run("ps", "--all", "--quiet").split()

    def import_programs(self, image: str, *names: str) -> None:
        """Make an image of programs of this machine and the libraries that they load."""
        self.import_files(image, set(programs(names)))

    def import_files(self, image: str, files: Iterable[tuple[Path, str]], *variables: str) -> None:
        """Make an image of (file, name in the image)s, with PATH and other variables set."""
        archive = self.folder / "image.tar"
        with tarfile.open(archive, "w") as tar:
            for path, name in sorted(files):
                tar.add(path.resolve(), name.lstrip("/"), recursive=False)
        changes = [f"--change=ENV {each}" for each in (f"PATH={SEARCH}", *variables)]
        self.run("import", "--quiet", *changes, str(archive), image)
        archive.unlink()


def why_not() -> str:
    """Why podman can't run here; empty when it can."""
    missing = [name for name in ("podman", "runc", "conmon") if not _which(name)]
    if missing:
        return f"not installed: {', '.join(missing)}"
    if os.geteuid() != 0:
        return "runc with cgroupfs needs root"
    return ""


def programs(names: Iterable[str]) -> Iterator[tuple[Path, str]]:
    """Yield programs of this machine and the libraries that they load, each at its place."""
    for name in names:
        found = _which(name)
        assert found, f"no `{name}` here"
        yield Path(found), f"/usr/bin/{name}"
        yield from libraries(Path(found))
        if name == "sh":
            yield Path(found), "/bin/sh"


def libraries(path: Path) -> Iterator[tuple[Path, str]]:
    """Yield the shared libraries that a program or library loads."""
    listed = subprocess.run(["ldd", str(path)], capture_output=True, text=True, check=False)
    for name in re.findall(r"(/\S+) \(0x", listed.stdout):
        yield Path(name), name


def _which(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
