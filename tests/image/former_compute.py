"""The compute/ that `init` of the first version wrote, but for the sample itself."""

from __future__ import annotations

from pathlib import Path

SOURCE = Path(__file__).with_name("former_compute")


def write_former_compute(folder: Path, code: str) -> None:
    """Make such a folder, or make one so, with this code as the user's compute.py."""
    folder.mkdir(exist_ok=True)
    for path in SOURCE.iterdir():
        name = path.name.removesuffix(".txt").replace("dockerignore", ".dockerignore")
        (folder / name).write_bytes(path.read_bytes())
    (folder / "compute.py").write_text(code, encoding="utf-8")
