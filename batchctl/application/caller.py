"""The way to the deployed API, as config.yaml, the state and the options say: where to, as whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from batchctl.application.application import Application, open_application
from batchctl.cli.options import assumes_api_role, current_options
from batchctl.engine.state import read_state
from batchctl.errors import UsageError
from batchctl.jobs import JobsClient
from batchctl.jobs.api.connection import Request
from batchctl.jobs.api.new_task import API_GATEWAY, LOAD_BALANCER

if TYPE_CHECKING:
    import urllib3

    from batchctl.aws.session import Aws

Sign = Callable[[Request], Mapping[str, str]]


@dataclass(frozen=True)
class Caller:
    """Who calls the API: how the requests are signed (None: not at all), and whose name that is."""

    sign: Sign | None
    name: Callable[[], str | None]


def open_jobs() -> tuple[Application, JobsClient]:
    """Return the application and the client of its jobs; nothing is called yet.

    UsageError when nothing is deployed; where the API wants signatures and `--assume-api-role` is
    in force, the role is assumed here, and BatchctlError tells why it can't be.
    """
    application = open_application(current_options())
    endpoint, caller = application.endpoint(), open_caller(application)
    client = JobsClient(
        endpoint,
        sign=caller.sign,
        caller=caller.name,
        http=direct_http(application),
        door=API_GATEWAY if behind_api_gateway(application) else LOAD_BALANCER,
    )
    return application, client


def open_caller(application: Application) -> Caller:
    """Return who calls: nobody in particular where the API is open to everyone."""
    if not application.needs_signature():
        if assumes_api_role():
            raise UsageError(
                "could not assume the API's role: there is none, as the API wants no signatures",
                hint="leave out `--assume-api-role`, or run `batchctl up --api-mode restapi "
                "--auth iam` first",
            )
        return Caller(None, lambda: None)
    if assumes_api_role() or application.config.api.assume_execute_role:
        return _role(application)
    return _user(application)


def behind_api_gateway(application: Application) -> bool:
    """Whether the deployed front door is API Gateway."""
    state = read_state(application.state_path)
    mode = state.api_mode if state else None
    return (mode or application.config.api.mode) == "restapi"


def direct_http(application: Application) -> urllib3.PoolManager | None:
    """Return connections without the environment's proxy for what runs on this machine."""
    import urllib3

    return urllib3.PoolManager() if application.options.local else None


def _user(application: Application) -> Caller:
    from batchctl.aws.sigv4 import caller_signer

    aws = application.aws
    return Caller(caller_signer(aws, _region(application)), lambda: _arn(aws))


def _role(application: Application) -> Caller:
    from batchctl.aws.sigv4 import role_signer

    arn = application.execute_role_arn()
    if arn is None:
        raise UsageError(
            f"could not assume the API's role: `{application.state_path}` knows none",
            hint="run `batchctl up --api-mode restapi --auth iam`",
        )
    return Caller(role_signer(application.aws, _region(application), arn), lambda: arn)


def _region(application: Application) -> str:
    """Return the region of the API, which the signature names, whatever region is in force now."""
    state = read_state(application.state_path)
    return state.identity.region if state else application.aws.region


def _arn(aws: Aws) -> str:
    """Ask AWS who the credentials are of; an answer in any case, as it goes into an error."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return aws.sts.get_caller_identity()["Arn"]
    except (BotoCoreError, ClientError):
        return "unknown, as STS doesn't know these credentials either"
