"""What `up` makes of the front door: never changed silently, and never loosened so.

What `up` built is remembered in the state. Without flags config.yaml has to say the same; a change
needs a flag. Whatever lets more in than today, or keeps less, is named, and has to be agreed to.
"""

from __future__ import annotations

from dataclasses import dataclass

from batchctl.application.front_door import built_front_door, settles_auth
from batchctl.config import Config
from batchctl.engine.state import State
from batchctl.errors import UsageError
from batchctl.resources.apigateway.rest_apis import AUTHENTICATION_OFF
from batchctl.stack.openness import Door, loosened_since, openness_warning


@dataclass(frozen=True)
class FrontDoorChange:
    """From the front door that was agreed to (None: nothing is deployed) to the one wanted.

    `loosened` are the sentences of what is let in that is refused today, or no longer kept, each
    once; `warnings` what to know of the new one. The local cloud asks for no agreement, as only
    this machine reaches it: `is_local`.
    """

    agreed: Door | None
    wanted: Door
    loosened: tuple[str, ...]
    warnings: tuple[str, ...]
    is_local: bool

    @property
    def replaces(self) -> bool:
        """Whether one front door takes the place of another."""
        old, new = self.agreed, self.wanted
        return old is not None and (old.mode, old.auth) != (new.mode, new.auth)

    @property
    def drops_signatures(self) -> bool:
        """Whether requests are let in without a signature, which needs one today."""
        return AUTHENTICATION_OFF in self.loosened

    @property
    def loosens_more(self) -> bool:
        """Whether anything but signatures is loosened."""
        return any(each != AUTHENTICATION_OFF for each in self.loosened)

    @property
    def opens_to_everyone(self) -> bool:
        """Whether a front door is opened for the first time, to anyone on the internet."""
        return self.agreed is None and openness_warning(self.wanted) is not None

    @property
    def needing_an_answer(self) -> tuple[str, ...]:
        """What only an answer of its own agrees to, no general yes.

        A front door that is opened for the first time is what config.yaml asks for, and
        authentication goes only with a flag that says so: there a general yes will do.
        """
        said_by_flag = self.agreed is not None and self.agreed.auth == "iam"
        return tuple(
            each for each in self.loosened if not (said_by_flag and each == AUTHENTICATION_OFF)
        )


def agreed_door(state: State | None) -> Door | None:
    """Return the front door that the state records; None when nothing is deployed."""
    built = built_front_door(state)
    if state is None or not built:
        return None
    return Door(built["mode"], built["auth"], state.api_cidrs, state.api_scheme)


def loosened(agreed: Door | None, wanted: Door, by_plan: tuple[str, ...]) -> tuple[str, ...]:
    """Return what is let in that is refused today, or no longer kept, each once."""
    doors = loosened_since(agreed, wanted) if agreed else ()
    return tuple(dict.fromkeys((*doors, *by_plan)))


def refuse_silent_change(
    config: Config, state: State | None, api_mode: str | None, auth: str | None
) -> None:
    """Raise UsageError when the front door would change without a flag of `up` that says so.

    A flag that wasn't given is None.
    """
    agreed = agreed_door(state)
    if state is None or agreed is None:
        return
    now = config.api
    auth_is_said = auth is not None or settles_auth(api_mode)
    differing = [
        f"`{key}` in config.yaml is `{wanted}`, deployed is `{built}`"
        for key, said, wanted, built in (
            ("api.mode", api_mode is not None, now.mode, state.api_mode),
            ("api.auth", auth_is_said, now.auth, state.api_auth),
        )
        if not said and wanted != built
    ]
    if differing:
        keep = f"--api-mode {state.api_mode} --auth {state.api_auth}"
        change = f"--api-mode {now.mode} --auth {now.auth}"
        raise UsageError(
            f"could not choose the front door: {'; '.join(differing)}",
            hint=f"to keep it: `batchctl up {keep}`, or say so in config.yaml; "
            f"to change it: `batchctl up {change}`",
        )
