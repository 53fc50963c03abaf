"""What a command works on: the configuration, the account or the local cloud, the state."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batchctl.cli.options import Options
from batchctl.cli.output import say
from batchctl.config import Config, load
from batchctl.engine.state import State, StateError, StateFile, StateIdentity, read_state
from batchctl.errors import UsageError

if TYPE_CHECKING:
    from batchctl.aws.session import Aws
    from batchctl.image.recipe import Recipe
    from batchctl.local.control.process import Settings
    from batchctl.local.control.record import CloudRecord
    from batchctl.resource import Resource

LOCAL_IMAGE = "batchctl/compute:local"
LOCAL_REGION = "us-east-1"


@dataclass(frozen=True)
class Application:
    """One application in one place; nothing is looked up before it is needed."""

    options: Options
    config: Config
    recorded_only: bool = False
    # Whether the image is to be built once more, on the newest base image.
    rebuild: bool = False

    @property
    def folder(self) -> Path:
        """The folder of the state, beside config.yaml."""
        return state_folder(self.options)

    @property
    def state_path(self) -> Path:
        """The state file."""
        return self.folder / f"{self.config.name}.state.json"

    @cached_property
    def aws(self) -> Aws:
        """The account (or the local cloud, started when needed), refused when it is another one."""
        return _open_local(self) if self.options.local else _open_account(self)

    @cached_property
    def state(self) -> StateFile:
        """The state, of this account and region only."""
        place = StateIdentity(self.aws.stack, self.aws.account, self.aws.region)
        return StateFile.load(self.state_path, place)

    @cached_property
    def stack(self) -> tuple[Resource[Any], ...]:
        """The resources that config.yaml asks for."""
        from batchctl.packaging import function_package
        from batchctl.stack import build

        return build(self.config, image=self.image, package=function_package())

    @cached_property
    def image(self) -> str | Recipe:
        """The container image by name, or what it is built from.

        The local cloud needs none where it runs processes. UsageError when what is not built here
        is to be rebuilt.
        """
        from batchctl.cli.image import recipe_of

        named = self.config.compute.image
        if named is None and self.options.local and self.config.local.executor == "process":
            named = LOCAL_IMAGE
        if named is None:
            return recipe_of(self.options, self.config, rebuild=self.rebuild)
        if self.rebuild:
            raise UsageError(
                f"could not rebuild the image `{named}`: it is not built here",
                hint="leave `--rebuild` out, or `compute.image` in config.yaml",
            )
        return named

    def endpoint(self) -> str:
        """Return the URL of the deployed API, without a slash at its end.

        UsageError when there is none.
        """
        state = read_state(self.state_path)
        invoke_url = _invoke_url(self.config, state)
        if invoke_url:
            return invoke_url
        if self.options.local:
            return f"http://127.0.0.1:{self.config.api.port}"
        return _deployed_endpoint(self.config, state, self.state_path)

    def needs_signature(self) -> bool:
        """Whether the deployed API answers signed requests only."""
        state = read_state(self.state_path)
        auth = state.api_auth if state else None
        return (auth or self.config.api.auth) == "iam"

    def execute_role_arn(self) -> str | None:
        """Return the ARN of the role that may be assumed to call the API; None without one."""
        from batchctl.stack import EXECUTE_ROLE

        state = read_state(self.state_path)
        arn = state.outputs(EXECUTE_ROLE).get("arn") if state else None
        return str(arn) if arn else None


def open_application(options: Options) -> Application:
    """Return the application that the options and config.yaml describe."""
    return Application(options, load(options.config_path, _remembered(options)))


def _remembered(options: Options) -> Callable[[str], Mapping[str, str]]:
    """Return what finds the front door that `up` built: its flags may have chosen another.

    Commands that build nothing go by it, whatever config.yaml says.
    """

    def front_door(name: str) -> Mapping[str, str]:
        try:
            state = read_state(state_folder(options) / f"{name}.state.json")
        except StateError:  # who needs the state is told what is wrong with it
            return {}
        if state is None or not state.api_mode or not state.resources:
            return {}
        return {"mode": state.api_mode, "auth": state.api_auth or "none"}

    return front_door


def open_recorded(options: Options) -> Application:
    """Return the application as config.yaml names it, or without one as the state here does.

    UsageError when config.yaml can't be read and there is no state, or more than one.
    """
    try:
        return open_application(options)
    except UsageError:
        states = sorted(state_folder(options).glob("*.state.json"))
        state = read_state(states[0]) if len(states) == 1 else None
        if state is None:
            raise
        say(f"config.yaml can't be used: going by the state `{states[0]}` alone")
        config = Config(name=state.identity.stack, region=state.identity.region)
        return Application(options, config, recorded_only=True)


def state_folder(options: Options) -> Path:
    """Return the folder of the states, beside config.yaml."""
    folder = options.config_path.parent / ".batchctl"
    return folder / "local" if options.local else folder


def local_folder(options: Options) -> Path:
    """Return the folder of the local cloud."""
    return options.config_path.parent / ".batchctl" / "local"


def local_settings(application: Application) -> Settings:
    """Return how the local cloud is to run for this application.

    UsageError when this machine has fewer vCPUs than one task asks for: it would wait for ever.
    """
    from batchctl.cli.image import build_folder
    from batchctl.cli.local_engine import engine_of
    from batchctl.local.control.process import Settings, status

    config = application.config
    vcpus = config.local.vcpus or os.cpu_count() or 1
    if vcpus < config.compute.vcpus:
        raise UsageError(
            f"could not run tasks here: `compute.vcpus` is {config.compute.vcpus}, "
            f"the local cloud has {vcpus}",
            hint="lower `compute.vcpus`, or set `local.vcpus`: it may exceed what the machine has",
        )
    return Settings(
        directory=local_folder(application.options),
        gateway_port=config.local.gateway_port,
        load_balancer_port=config.api.port,
        compute_directory=build_folder(application.options, config),
        region=_local_region(application),
        vcpus=vcpus,
        engine=engine_of(config, status(local_folder(application.options))),
    )


def _local_region(application: Application) -> str:
    return application.options.region or application.config.region or LOCAL_REGION


def _open_local(application: Application) -> Aws:
    import boto3

    from batchctl.aws.session import Aws, Connection

    running = _running(application)
    key_id, secret = running.root
    session = boto3.Session(
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        region_name=_local_region(application),
    )
    connection = Connection(session, endpoint_url=running.endpoint_url, through_proxy=False)
    return Aws(connection, stack=application.config.name, tags=application.config.tags)


def _running(application: Application) -> CloudRecord:
    """Return the local cloud, started when it doesn't run; without a config as it runs."""
    from batchctl.local.control.process import start, status

    running = status(local_folder(application.options))
    if running is None:
        say("starting the local cloud …")
    elif application.recorded_only:
        return running
    return start(local_settings(application), say)


def _open_account(application: Application) -> Aws:
    import boto3

    from batchctl.aws.session import Aws, Connection

    options, config = application.options, application.config
    # AWS's own tools know AWS_REGION; boto3 reads AWS_DEFAULT_REGION alone.
    region = options.region or config.region or os.environ.get("AWS_REGION")
    session = boto3.Session(profile_name=options.profile, region_name=region)
    aws = Aws(Connection(session), stack=config.name, tags=config.tags)
    aws.region  # noqa: B018 - a missing region is said before a missing login
    if config.account_id and aws.account != config.account_id:
        raise UsageError(
            f"could not use these credentials: they are of account `{aws.account}`, "
            f"`account_id` in config.yaml says `{config.account_id}`",
            hint="use the other profile (`--profile`), or correct `account_id`",
        )
    return aws


def _invoke_url(config: Config, state: State | None) -> str | None:
    """Return the REST API's URL where that is the front door, or the only one that is there."""
    from batchctl.stack import LOAD_BALANCER, STAGE

    if state is None:
        return None
    chosen = (state.api_mode or config.api.mode) == "restapi"
    url = state.outputs(STAGE).get("invoke_url")
    return str(url) if url and (chosen or not state.outputs(LOAD_BALANCER)) else None


def _deployed_endpoint(config: Config, state: State | None, path: Path) -> str:
    from batchctl.stack import LOAD_BALANCER

    host = state.outputs(LOAD_BALANCER).get("dns_name") if state else None
    if not host:
        raise UsageError(
            f"could not find the endpoint: `{path}` knows no load balancer and no REST API",
            hint="run `batchctl up` first, or `batchctl --local up` to try it on this machine",
        )
    scheme = "https" if config.api.certificate_arn else "http"
    return f"{scheme}://{host}:{config.api.port}"
