"""What a job may be: the rule for a job_id, and the limits of universe, parameters and bodies.

The command line checks what is cheap to check before it sends anything; the functions check it all.
"""

from __future__ import annotations

import re

from batchctl.contract.table import MAX_SORT_KEY_BYTES, RESULT_PREFIX

JOB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")

MAX_ITEMS = 1_000_000
MAX_ITEM_CHARACTERS = 256
MAX_ITEM_BYTES = MAX_SORT_KEY_BYTES - len(RESULT_PREFIX)
"""An item is part of a sort key."""

MAX_PARAMETERS_BYTES = 16 * 1024
MAX_OWN_PARAMETERS_BYTES = 4 * 1024
"""An item's own parameters. Twelve items with as many make a chunk of the universe (`table`)."""

MAX_PARAMETERS_DEPTH = 32
"""JSON parsers give up somewhere, far beyond this: whatever reads the parameters later can."""

MAX_RESULT_DEPTH = 60
"""Parsers stop at some depth, .NET's at 64 levels by default, Ruby's at 100: an answer has three
around a result. The runner refuses what is deeper; a deeper one is shown as its text."""

MAX_BODY_BYTES = 10 * 1024 * 1024
"""What the receiver takes, decompressed (API Gateway quotas: a payload of 10 MB)."""

MAX_PARTS = 1_000
MAX_UNIVERSE_BYTES = 256 * 1024 * 1024
"""Of a universe that comes in parts, as JSON: the receiver reads all of it when the last part is
there, within the 29 s that a front door waits."""

UPLOAD_DAYS = 7
"""So long the parts of a universe wait for those that are missing."""

MIN_MEMORY_MIB = 4
"""AWS Batch API reference, ResourceRequirement: MEMORY is 4 MiB at least."""

MAX_MEMORY_MIB = 32 * 1024 * 1024
"""More than any machine has: what lies between is for Batch to judge."""

MAX_RUNS = 99
"""The number of a run has two digits in the keys of the table."""


def is_job_id(text: object) -> bool:
    """Whether it can be the id of a job."""
    return isinstance(text, str) and JOB_ID.fullmatch(text) is not None
