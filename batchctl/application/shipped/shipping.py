"""A packed function on its way into the job table, where tasks find it."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from batchctl.application.function import Function
from batchctl.application.image import build_folder
from batchctl.application.job_resources import job_resources_of
from batchctl.application.shipped.packing import packed
from batchctl.aws.errors import explain
from batchctl.contract import shipped_code, table
from batchctl.contract.retention import Retention, expiry_attribute, items_expiry
from batchctl.errors import BatchctlError, UsageError
from batchctl.image.dependencies import read_dependencies

if TYPE_CHECKING:
    from batchctl.application.application import Application


def ship(
    application: Application, code: Function, now: Callable[[], float] = time.time
) -> dict[str, object]:
    """Put a function into the job table, and return the parameter by which a job names it.

    What is there already is written again: it stays as long as the youngest job that has it. Takes
    credentials that may write to the table, which those of whoever only calls the API don't.

    UsageError where the image lacks a package that the function needs, or has another Python, and
    what `packed` raises; BatchctlError where AWS refuses.
    """
    _check_packages(application, code.requirements)
    _check_python(application)
    content = packed(code)
    digest = shipped_code.digest_of(content)
    name = job_resources_of(application.recorded_resources).table
    days = application.config.job_table.keep_days
    expires_at = items_expiry(Retention(days).expiry(now()))
    parts = list(shipped_code.parts_of(content))
    # The first part, by which the others are found, comes last.
    for number in reversed(range(len(parts))):
        record: dict[str, Any] = {
            **table.key(shipped_code.code_partition(digest), shipped_code.part_key(number)),
            shipped_code.CODE: {"B": parts[number]},
            shipped_code.PARTS: table.number(len(parts)),
            **expiry_attribute(expires_at),
        }
        _put(application, name, record)
    return {shipped_code.PARAMETER: digest}


def _put(application: Application, name: str, record: dict[str, Any]) -> None:
    try:
        application.aws.dynamodb.put_item(TableName=name, Item=record)
    except (ClientError, BotoCoreError) as error:
        why, hint = explain(error)
        raise BatchctlError(
            f"could not put the function into table `{name}`: {why}", hint
        ) from error


def _check_packages(application: Application, requirements: Sequence[str]) -> None:
    """Raise UsageError unless the image's packages are named to have what a function needs."""
    config = application.config
    if not requirements or config.compute.image is not None:
        return  # what an image of the user's own has, its tasks will say
    folder = build_folder(application.target, config)
    has = {_package(line) for line in read_dependencies(folder).lines}
    missing = [each for each in requirements if _package(each) not in has]
    if missing and not (folder / "Dockerfile").exists():
        raise UsageError(
            f"could not ship the function: the image has no {', '.join(missing)}",
            hint=f"add {'it' if len(missing) == 1 else 'them'} to `{folder / 'requirements.txt'}`,"
            " then run `batchctl up`",
        )


def _package(requirement: str) -> str:
    """Return the normalized name in a requirement (PyPA, "Names and normalization")."""
    name = re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)", requirement)
    return re.sub(r"[-_.]+", "-", name[1]).lower() if name else ""


def _check_python(application: Application) -> None:
    """Raise UsageError where tasks are known to have another Python: the pickle is for this one.

    Local tasks have the Python that they find, and an own image its own: those tell themselves.
    """
    compute, here = application.config.compute, "{}.{}".format(*sys.version_info[:2])
    is_known = not application.target.local and compute.image is compute.base_image is None
    if is_known and compute.python != here:
        raise UsageError(
            f"could not ship the function: this is Python {here}, and tasks have {compute.python}",
            hint=f'set `compute.python: "{here}"` in config.yaml and run `batchctl up`,'
            f" or call it from Python {compute.python}",
        )
