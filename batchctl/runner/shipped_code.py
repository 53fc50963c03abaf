"""The code that a job brings along, unpacked: a folder with a compute.py, in place of the image's.

What is in the table may be anything: what isn't the zip that the job names fails every item.
"""

from __future__ import annotations

import io
import os
import tempfile
import zipfile
from typing import Any

from batchctl.contract import shipped_code, table
from batchctl.runner.job_table import JobTable

_MAX_PARTS = -(-shipped_code.MAX_BYTES // shipped_code.PART_BYTES)


class CodeError(Exception):
    """The code that a job names isn't there, or isn't what it names: no item can be computed."""


def fetch(jobs: JobTable, digest: object) -> bytes:
    """Return the zip of that digest from the table; CodeError where it isn't there whole."""
    if not shipped_code.is_digest(digest):
        raise CodeError(f"parameter `{shipped_code.PARAMETER}` names no code")
    partition = shipped_code.code_partition(str(digest))
    first = jobs.get(partition, [shipped_code.part_key(0)], _ATTRIBUTES)
    count = next((_count(each) for each in first), 0)
    if not 0 < count <= _MAX_PARTS:
        raise CodeError(_missing(digest))
    names = [shipped_code.part_key(number) for number in range(count)]
    parts = {
        each[table.SORT_KEY]["S"]: _content(each)
        for each in jobs.get(partition, names, _ATTRIBUTES)
    }
    content = b"".join(parts.get(name, b"") for name in names)
    if shipped_code.digest_of(content) != digest:
        raise CodeError(_missing(digest))
    return content


def unpack(content: bytes) -> str:
    """Unpack a zip into a new folder of the task's own and return that; all stays below it.

    CodeError where it can't be unpacked.
    """
    folder = os.path.realpath(tempfile.mkdtemp(prefix="code-"))
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(each.file_size for each in archive.infolist()) > shipped_code.MAX_UNPACKED_BYTES:
                raise CodeError("the code of the job is too large")
            archive.extractall(folder)  # zipfile leaves out what leads elsewhere
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise CodeError(f"the code of the job can't be unpacked: {error}") from error
    return folder


_ATTRIBUTES = (table.SORT_KEY, shipped_code.CODE, shipped_code.PARTS)


def _missing(digest: object) -> str:
    return (
        f"the table has no whole code {str(digest)[:12]}, which the job names: it is deleted with"
        " the jobs of its time; submit the job again"
    )


def _count(record: Any) -> int:
    text = record.get(shipped_code.PARTS, {}).get("N", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 0


def _content(record: Any) -> bytes:
    value = record.get(shipped_code.CODE, {}).get("B", b"")
    return value if isinstance(value, bytes) else b""
