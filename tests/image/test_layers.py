"""Layers: the same bytes for the same files, and tar files that anybody's tar reads."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
from pathlib import Path

import pytest

from batchctl.image.oci.layers import Layer, Owner, write_layer

LONG = "/".join(["a-folder-whose-name-is-long"] * 6) + "/" + "n" * 120 + ".py"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Files of several sizes, by their names in the image."""
    folder = tmp_path / "files"
    contents = {
        "app/compute.py": b"def compute(): ...\n",
        "app/empty": b"",
        "app/block": b"b" * 65_535,
        "app/more": os.urandom(200_001),
        f"app/{LONG}": b"long",
        "app/prix €.csv": b"1,2\n",
    }
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / "app" / "tool").write_text("#!/bin/sh\n")
    (folder / "app" / "tool").chmod(0o700)
    (folder / "app" / "latest").symlink_to("compute.py")
    return {
        f"/{path.relative_to(folder)}": path
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def layer_of(files: dict[str, Path], path: Path, *, compressed: bool = False) -> Layer:
    """Write the layer of a user's files."""
    owner = Owner(65534, 65534)
    return write_layer(path, files, owner=owner, annotations={}, compressed=compressed)


@pytest.mark.parametrize("compressed", [False, True])
def test_any_tar_reads_it_and_its_digests_are_right(
    files: dict[str, Path], tmp_path: Path, *, compressed: bool
) -> None:
    layer = layer_of(files, tmp_path / "layer", compressed=compressed)

    content = layer.path.read_bytes()
    unpacked = gzip.decompress(content)
    assert layer.descriptor.digest == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert layer.descriptor.size == len(content)
    assert layer.diff_id == f"sha256:{hashlib.sha256(unpacked).hexdigest()}"
    with tarfile.open(fileobj=io.BytesIO(unpacked)) as archive:
        entries = {f"/{each.name}": each for each in archive}
        for name, path in files.items():
            if not path.is_symlink():
                found = archive.extractfile(entries[name])
                assert found is not None
                assert found.read() == path.read_bytes()
    assert entries["/app/latest"].linkname == "compute.py"
    assert entries["/app/tool"].mode == 0o755
    assert {each.mode for each in entries.values() if each.isdir()} == {0o755}
    assert entries["/app"].uid == 0
    assert entries["/app/compute.py"].uid == 65534
    assert list(entries) == sorted(entries), "a folder comes before what is in it"


def test_time_umask_mode_and_order_change_nothing(files: dict[str, Path], tmp_path: Path) -> None:
    before = layer_of(files, tmp_path / "before")

    previous = os.umask(0o077)
    try:
        for path in files.values():
            if not path.is_symlink():
                os.utime(path, (1, 1))
                path.chmod(0o700 if path.name == "tool" else 0o600)
        other_order = dict(sorted(files.items(), reverse=True))
        after = layer_of(other_order, tmp_path / "after")
    finally:
        os.umask(previous)

    assert after.descriptor == before.descriptor
    assert after.path.read_bytes() == before.path.read_bytes()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_whose_a_file_is_changes_nothing(files: dict[str, Path], tmp_path: Path) -> None:
    before = layer_of(files, tmp_path / "before")
    for path in files.values():
        os.chown(path, 1234, 5678, follow_symlinks=False)
    assert layer_of(files, tmp_path / "after").descriptor == before.descriptor


def test_a_file_or_a_name_that_changes_is_another_layer(
    files: dict[str, Path], tmp_path: Path
) -> None:
    digests = {layer_of(files, tmp_path / "before").descriptor.digest}
    files["/app/compute.py"].write_text("def compute(): pass")
    digests.add(layer_of(files, tmp_path / "changed").descriptor.digest)
    files["/app/renamed"] = files.pop("/app/empty")
    digests.add(layer_of(files, tmp_path / "renamed").descriptor.digest)
    files["/app/tool"].chmod(0o600)
    digests.add(layer_of(files, tmp_path / "mode").descriptor.digest)
    assert len(digests) == 4


def test_a_file_that_is_gone_is_an_error(files: dict[str, Path], tmp_path: Path) -> None:
    files["/app/compute.py"].unlink()
    with pytest.raises(OSError, match=r"compute\.py"):
        layer_of(files, tmp_path / "layer")
