"""As whom the API is called: as nobody, as the user, or as the API's execute role."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import urllib3

from batchctl.errors import UsageError
from batchctl.jobs.api.connection import Sign

if TYPE_CHECKING:
    from batchctl.application.application import Application
    from batchctl.aws.session import Aws


@dataclass(frozen=True)
class Caller:
    """Who calls the API: how the requests are signed (None: not at all), and whose name that is."""

    sign: Sign | None
    name: Callable[[], str | None]


def open_caller(application: Application, *, asked: bool) -> Caller:
    """Return who calls: nobody in particular where the API is open to everyone.

    The API's execute role when that is `asked` for, by config.yaml or the caller; else the user.
    The role is assumed here. UsageError where it is asked for and there is none.
    """
    door = application.front_door
    if not door.needs_signature:
        if asked:
            raise UsageError(
                "could not assume the API's role: there is none, as the API wants no signatures",
                hint="leave out `--assume-api-role`, or run `batchctl up --api-mode restapi "
                "--auth iam` first",
            )
        return Caller(None, lambda: None)
    from batchctl.aws.sigv4 import caller_signer  # noqa: PLC0415 - few requests are signed

    aws = application.aws
    # The signature names the API's region, whatever region is in force now.
    region = door.region or aws.region
    if asked or application.config.api.assume_execute_role:
        return _role(aws, region, door.role, application.store.name)
    return Caller(caller_signer(aws, region), lambda: _arn(aws))


def direct_http(*, local: bool) -> urllib3.PoolManager | None:
    """Return connections without the environment's proxy for what runs on this machine."""
    return urllib3.PoolManager() if local else None


def _role(aws: Aws, region: str, arn: str | None, state: str) -> Caller:
    if arn is None:
        raise UsageError(
            f"could not assume the API's role: `{state}` knows none",
            hint="run `batchctl up --api-mode restapi --auth iam`",
        )
    from batchctl.aws.sigv4 import role_signer  # noqa: PLC0415 - few requests are signed

    return Caller(role_signer(aws, region, arn), lambda: arn)


def _arn(aws: Aws) -> str:
    """Ask AWS who the credentials are of; an answer in any case, as it goes into an error."""
    from botocore.exceptions import (  # noqa: PLC0415 - few requests are signed
        BotoCoreError,
        ClientError,
    )

    try:
        return aws.sts.get_caller_identity()["Arn"]
    except (BotoCoreError, ClientError):
        return "unknown, as STS doesn't know these credentials either"
