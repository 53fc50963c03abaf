"""Ids for jobs that were not given one."""

from __future__ import annotations

import secrets
from datetime import datetime

_LONGEST_NAME = 60


def new_job_id(name: str, now: datetime | None = None) -> str:
    """Return an id that people can read and no other job has: `risk-20261128-142403-5f0a`.

    It is made of the application's name, the time on this machine and some random digits.
    """
    time = (now or datetime.now().astimezone()).strftime("%Y%m%d-%H%M%S")
    return f"{name[:_LONGEST_NAME]}-{time}-{secrets.token_hex(2)}"
