"""While `up` changes the front door, somebody keeps calling: one or the other always answers."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest
from application import BATCHCTL, Application
from doors import Door, root_of

from batchctl.application.front_door import STAGE
from batchctl.engine.state import read_state

# test_contract.py changes doors, tests/drift has the order of calls.
pytestmark = [pytest.mark.e2e, pytest.mark.exhaustive]


def answers(door: Door) -> bool:
    """Whether the jobs are listed behind this door."""
    return door.get("/v1/tasks").status == 200


def load_balancer(application: Application) -> Door:
    return Door(f"http://127.0.0.1:{application.port}", 0)


def rest_api(application: Application, *, is_signed: bool = True) -> Door | None:
    """The REST API, as the state knows it, called with a signature or without."""
    state = read_state(application.folder / ".batchctl" / "local" / "batchapp.state.json")
    url = state.outputs(STAGE).get("invoke_url") if state else None
    return Door(str(url), 0, root_of(application) if is_signed else None) if url else None


def api_answers(application: Application) -> bool:
    found = rest_api(application)
    return found is not None and answers(found)


def seen_while(
    application: Application, flags: tuple[str, ...], look: Callable[[], tuple[bool, bool]]
) -> list[tuple[bool, bool]]:
    """Run `up` with these flags, and look all the while and once more when it is done."""
    seen = []
    with subprocess.Popen(
        [*BATCHCTL, "--local", "up", "--yes", *flags],
        cwd=application.folder,
        env=application.environment,
        stderr=subprocess.DEVNULL,
    ) as process:
        while process.poll() is None:
            seen.append(look())
    assert process.returncode == 0
    return [*seen, look()]


def test_a_new_kind_of_door_opens_before_the_old_one_closes(application: Application) -> None:
    def look() -> tuple[bool, bool]:
        one, other = api_answers(application), answers(load_balancer(application))
        # The API may have opened, and the load balancer closed, between the two questions.
        return one or (not other and api_answers(application)), other

    application.local("up", "--yes")
    seen = seen_while(application, ("--api-mode", "restapi", "--auth", "iam"), look)
    assert (seen[0], seen[-1]) == ((False, True), (True, False))
    assert all(one or other for one, other in seen)
    back = seen_while(application, ("--api-mode", "alb", "--auth", "none"), look)
    assert (back[0], back[-1]) == ((True, False), (False, True))
    assert all(one or other for one, other in back)


def test_a_door_is_locked_for_good_by_one_up_and_unlocked_by_another(
    application: Application,
) -> None:
    def look() -> tuple[bool, bool]:
        signed, unsigned = rest_api(application), rest_api(application, is_signed=False)
        assert signed
        assert unsigned
        return answers(signed), answers(unsigned)

    application.local("up", "--yes", "--api-mode", "restapi", "--auth", "none")
    locked = seen_while(application, ("--api-mode", "restapi", "--auth", "iam"), look)
    unlocked = seen_while(application, ("--api-mode", "restapi", "--auth", "none"), look)
    assert (locked[0], locked[-1], unlocked[-1]) == ((True, True), (True, False), (True, True))
    # Whoever signs may be kept waiting for a moment here: the emulator serves methods while they
    # are being changed, where AWS serves the deployment before or the one after.
    strangers = [unsigned for _, unsigned in locked]
    assert strangers == sorted(strangers, reverse=True), "once locked it stays locked"
