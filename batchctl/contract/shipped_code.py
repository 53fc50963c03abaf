"""Code that a job brings along: a folder with a compute.py, as a zip in the job table.

It lies under the SHA-256 of its bytes, in parts, as an item has 400 KB at most (DynamoDB developer
guide, "Quotas in Amazon DynamoDB"):

    CODE#<digest>   PART#<number>   `code`, the bytes of this part; `parts`, how many there are

Whoever builds the application writes it, with credentials of their own; neither the API nor a
container can. A job names it by a parameter of ours: so it counts in what the job computes, and
who may submit jobs can have no code run but what is there.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping

PARAMETER = "batchctl.code"
"""The parameter of a job that names its code by digest; compute() doesn't get it."""

VALUE = "value"
"""The one name in the result of a function that returned something else than a dict."""

CODE_PREFIX = "CODE#"
PART_BYTES = 380 * 1024
MAX_BYTES = 8 * 1024 * 1024
MAX_UNPACKED_BYTES = 64 * 1024 * 1024
CODE, PARTS = "code", "parts"
_DIGEST = re.compile(r"[0-9a-f]{64}")


def digest_of(content: bytes) -> str:
    """Return the name of a zip: the SHA-256 of its bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def is_digest(value: object) -> bool:
    """Whether a value can be such a name."""
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def named_in(parameters: Mapping[str, object]) -> object:
    """Return what a job's parameters name as its code, whatever that is; None: the image's."""
    return parameters.get(PARAMETER)


def without_name(parameters: Mapping[str, object]) -> dict[str, object]:
    """Return the parameters as compute() has them."""
    return {name: value for name, value in parameters.items() if name != PARAMETER}


def code_partition(digest: str) -> str:
    """Return the partition key of code."""
    return CODE_PREFIX + digest


def part_key(number: int) -> str:
    """Return the sort key of a part: they are numbered from 0 on."""
    return f"PART#{number:08d}"


def parts_of(content: bytes) -> Iterator[bytes]:
    """Yield the parts of a zip; there is one at least."""
    for start in range(0, max(len(content), 1), PART_BYTES):
        yield content[start : start + PART_BYTES]
