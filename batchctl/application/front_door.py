"""The front door that is there: how the API is reached, as whom it is called, what it admits.

A front door of another kind is one more of `contract.front_doors`, one more entry of `_WAYS_IN`
here and one more branch of `stack.front_door`, and its resources.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from batchctl.config import Config
from batchctl.contract.front_doors import ALB, FRONT_DOORS, REST_API
from batchctl.engine.state import State
from batchctl.jobs.api.new_task import API_GATEWAY, Door
from batchctl.jobs.api.new_task import LOAD_BALANCER as LOAD_BALANCER_LIMITS

LOAD_BALANCER = "load_balancer.api"
LISTENER = "listener.api"
STAGE = "stage.api"
EXECUTE_ROLE = "role.api_execute"


@dataclass(frozen=True)
class FrontDoor:
    """How the API of an application is called.

    `url` has no slash at its end and is None while the state knows none; `region` is the one that
    signatures name, None without a state; `role` is the ARN of the role that may be assumed to call
    the API, None without one; `limits` is how large a body may be.
    """

    mode: str
    auth: str
    url: str | None
    region: str | None
    role: str | None
    limits: Door

    @property
    def needs_signature(self) -> bool:
        """Whether signed requests alone are answered."""
        return self.auth == "iam"


def front_door_of(
    config: Config, state: State | None, *, local_url: str | None = None
) -> FrontDoor:
    """Return the front door that the state records, or else the one that config.yaml asks for.

    `local_url` is where the load balancer of a local cloud answers; None for one in AWS.
    """
    mode = (state.api_mode if state else None) or config.api.mode
    role = state.outputs(EXECUTE_ROLE).get("arn") if state else None
    return FrontDoor(
        mode=mode,
        auth=(state.api_auth if state else None) or config.api.auth,
        url=_called(config, local_url, _url(mode, config, state, local_url) if state else None),
        region=state.identity.region if state else None,
        role=str(role) if role else None,
        limits=_WAYS_IN[mode].limits,
    )


def built_front_door(state: State | None) -> Mapping[str, str]:
    """Return `mode` and `auth` as `up` built them; nothing where nothing is deployed."""
    if state is None or not state.api_mode or not state.resources:
        return {}
    return {"mode": state.api_mode, "auth": state.api_auth or "none"}


def settles_auth(mode: str | None) -> bool:
    """Whether who chooses this kind has chosen `auth` with it, as it knows one alone."""
    return mode is not None and len(FRONT_DOORS[mode].auths) == 1


def _called(config: Config, local_url: str | None, deployed: str | None) -> str | None:
    """Return the URL that is called: the one that config.yaml has for what is deployed."""
    return (config.api.endpoint or deployed) if deployed and local_url is None else deployed


def _url(mode: str, config: Config, state: State, local_url: str | None) -> str | None:
    """Return the URL of the chosen kind, or else of one that is there: `up` may be half done."""
    chosen, *others = sorted(_WAYS_IN.items(), key=lambda way: way[0] != mode)
    found = (way.url(config, state, local_url) for _, way in (chosen, *others))
    return next(filter(None, found), None)


def _load_balancer_url(config: Config, state: State, local_url: str | None) -> str | None:
    host = state.outputs(LOAD_BALANCER).get("dns_name")
    if not host:
        return None
    listener = state.outputs(LISTENER)
    # What an older version deployed says neither: it is what config.yaml said then.
    wanted = "https" if config.api.certificate_arn else "http"
    scheme = listener.get("scheme") or state.api_scheme or wanted
    return local_url or f"{scheme}://{host}:{listener.get('port', config.api.port)}"


def _stage_url(_config: Config, state: State, _local_url: str | None) -> str | None:
    url = state.outputs(STAGE).get("invoke_url")
    return str(url) if url else None


@dataclass(frozen=True)
class _WayIn:
    """A kind of front door to its callers: how large a body may be, its URL read off the state."""

    limits: Door
    url: Callable[[Config, State, str | None], str | None]


_WAYS_IN: Mapping[str, _WayIn] = {
    ALB.mode: _WayIn(LOAD_BALANCER_LIMITS, _load_balancer_url),
    REST_API.mode: _WayIn(API_GATEWAY, _stage_url),
}


def behind_each_door(config: Config) -> Iterator[Config]:
    """Yield the configuration behind each kind of front door, as strict as that can be.

    So it has all the resources that the door may have.
    """
    for kind in FRONT_DOORS.values():
        api = config.api.model_copy(update={"mode": kind.mode, "auth": kind.auths[-1]})
        yield config.model_copy(update={"api": api})
