"""Blobs of base images on this machine's disk, by digest: fetched once, whole or not at all.

What was cut goes on where it was. Each is checked when it is fetched; a name is its checksum.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from urllib3.exceptions import HTTPError

from batchctl.errors import BatchctlError, Interrupted
from batchctl.image.oci.descriptors import Descriptor
from batchctl.image.oci.registry import CHUNK_BYTES, Repository, corrupt
from batchctl.image.oci.transport import TRIES, RegistryError, unreachable


@dataclass(frozen=True)
class BlobCache:
    """The blobs in a folder, which is made when something is put there."""

    folder: Path

    def path(self, digest: str) -> Path:
        """Return where a blob is or would be."""
        return self.folder / digest.replace(":", "-")

    def fetch(self, repository: Repository, wanted: Descriptor) -> Path:
        """Return the file of a blob, fetched where it isn't here; RegistryError, BatchctlError."""
        path = self.path(wanted.digest)
        if path.is_file() and path.stat().st_size == wanted.size:
            return path
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _take_over_part(path, part)
            self._fetch_all(repository, wanted, part)
            part.replace(path)
        except OSError as error:
            raise BatchctlError(
                f"could not keep a layer of `{repository}` in `{self.folder}`: {error}",
                hint="make it writable, with room for the base image; the rest is fetched by the "
                "next `batchctl up`",
            ) from error
        return path

    def _fetch_all(self, repository: Repository, wanted: Descriptor, part: Path) -> None:
        for tried in range(TRIES):
            is_last = tried == TRIES - 1
            try:
                self._fetch(repository, wanted, part)
                break
            except (HTTPError, ConnectionError, TimeoutError) as error:
                if is_last:
                    raise unreachable(f"https://{repository.host}/", error) from error
                repository.transport.sleep(min(8.0, 2.0**tried / 2))
        if _digest(part) != wanted.digest:
            part.unlink()
            raise corrupt(f"a layer of `{repository}`")

    def _fetch(self, repository: Repository, wanted: Descriptor, part: Path) -> None:
        have = part.stat().st_size if part.exists() else 0
        if have >= wanted.size:
            return
        answer, goes_on = repository.open_blob(wanted.digest, have)
        with part.open("ab" if goes_on else "wb") as file:
            for chunk in answer.stream(CHUNK_BYTES, decode_content=False):
                if repository.transport.stop.is_set():
                    raise Interrupted(f"stopped the transfer with `{repository.host}`")
                file.write(chunk)
                if file.tell() > wanted.size:
                    raise RegistryError(f"could not read a layer of `{repository}`: it is longer")
        answer.release_conn()


def _take_over_part(path: Path, part: Path) -> None:
    """Go on with what an earlier run has fetched, if any; two runs don't share one file."""
    for each in sorted(path.parent.glob(f"{path.name}.*.part")):
        owner = each.name.split(".")[-2]
        if not owner.isdecimal() or not Path(f"/proc/{owner}").exists():
            each.replace(part)
            return


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
