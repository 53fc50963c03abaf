"""Files to a layer: a tar file, byte for byte the same for the same files on every machine.

Times, owners, modes and the order of the entries are ours. What is small is stored without
compression in a gzip frame of our own making, as builds of zlib differ in what they make of the
same input; packages, which are large, are compressed by the zlib that is here.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import stat
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from batchctl.image.oci.descriptors import OCI_LAYER, Descriptor

_BLOCK = 65_535
"""RFC 1951: a stored block has at most so many bytes."""
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
"""RFC 1952: deflate, no time, no name, made on no system in particular."""
_CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Owner:
    """Whose the files of a layer are."""

    uid: int = 0
    gid: int = 0


@dataclass(frozen=True)
class Layer:
    """A layer on this machine's disk; `diff_id` is the digest of the tar file within."""

    path: Path
    descriptor: Descriptor
    diff_id: str

    def open(self) -> IO[bytes]:
        """Open its bytes."""
        return self.path.open("rb")


def write_layer(
    path: Path,
    files: Mapping[str, Path],
    *,
    owner: Owner = Owner(),
    annotations: Mapping[str, str],
    compressed: bool = False,
) -> Layer:
    """Write a layer with these files, by their absolute names in the image, to `path`.

    The folders above them are in it, too. Links stay links. OSError when a file can't be read.
    """
    with path.open("wb") as raw:
        blob = _Hashed(raw)
        packed: _Packed = _Compressed(blob) if compressed else _Stored(blob)
        content = _Hashed(packed)
        with tarfile.open(fileobj=content, mode="w|", format=tarfile.PAX_FORMAT) as archive:
            for entry, source in _entries(files, owner):
                _add(archive, entry, source)
        packed.finish()
    descriptor = Descriptor(blob.digest, blob.size, OCI_LAYER, dict(annotations))
    return Layer(path, descriptor, content.digest)


def _entries(
    files: Mapping[str, Path], owner: Owner
) -> Iterator[tuple[tarfile.TarInfo, Path | None]]:
    """Yield every entry with the file that it is of; folders, which have none, come first."""
    folders = {
        str(above) for name in files for above in PurePosixPath(name.lstrip("/")).parents
    } - {"."}
    for name in sorted([*folders, *(each.lstrip("/") for each in files)]):
        source = files.get(f"/{name}")
        entry = tarfile.TarInfo(name)
        entry.uid, entry.gid, entry.mode = owner.uid, owner.gid, 0o755
        if source is None:
            entry.type = tarfile.DIRTYPE
            # What is above our own folders is the base image's, and root's.
            if PurePosixPath(name).parent == PurePosixPath():
                entry.uid = entry.gid = 0
        elif source.is_symlink():
            entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, str(source.readlink()), 0o777
        else:
            status = source.stat()
            entry.size = status.st_size
            entry.mode = 0o755 if status.st_mode & stat.S_IXUSR else 0o644
        yield entry, source


def _add(archive: tarfile.TarFile, entry: tarfile.TarInfo, source: Path | None) -> None:
    if source is None or not entry.isreg():
        archive.addfile(entry)
        return
    with source.open("rb") as file:
        archive.addfile(entry, file)


class _Hashed(io.RawIOBase):
    """Passes bytes on, counts them and hashes them."""

    def __init__(self, target: IO[bytes] | _Packed) -> None:
        self._target, self._hash, self.size = target, hashlib.sha256(), 0

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        content = bytes(data)  # type: ignore[call-overload]
        self._hash.update(content)
        self.size += len(content)
        self._target.write(content)
        return len(content)

    @property
    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"


class _Packed(Protocol):
    """Writes gzip."""

    def write(self, content: bytes) -> int:
        """Take bytes to pack; return how many."""

    def finish(self) -> None:
        """Write what is waiting and the frame's end."""


class _Stored:
    """A gzip frame of stored blocks, each but the last of the largest size."""

    def __init__(self, target: _Hashed) -> None:
        self._target, self._waiting, self._crc, self._size = target, bytearray(), 0, 0
        target.write(_GZIP_HEADER)

    def write(self, content: bytes) -> int:
        self._crc = zlib.crc32(content, self._crc)
        self._size += len(content)
        self._waiting += content
        while len(self._waiting) > _BLOCK:
            self._block(self._waiting[:_BLOCK], last=False)
            del self._waiting[:_BLOCK]
        return len(content)

    def finish(self) -> None:
        self._block(self._waiting, last=True)
        size = self._size & 0xFFFFFFFF
        self._target.write(self._crc.to_bytes(4, "little") + size.to_bytes(4, "little"))

    def _block(self, content: bytes | bytearray, *, last: bool) -> None:
        length = len(content)
        lengths = length.to_bytes(2, "little") + (length ^ 0xFFFF).to_bytes(2, "little")
        self._target.write(bytes([last]) + lengths + bytes(content))


class _Compressed:
    """A gzip frame as zlib makes it."""

    def __init__(self, target: _Hashed) -> None:
        self._gzip = gzip.GzipFile(fileobj=target, mode="wb", compresslevel=6, mtime=0)

    def write(self, content: bytes) -> int:
        return self._gzip.write(content)

    def finish(self) -> None:
        self._gzip.close()
