"""The front door that is there: one frozen answer for every question of the client's side."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any, get_args

import pytest

from batchctl.application import FrontDoor, Target, job_resources, open_to_compare
from batchctl.application.front_door import EXECUTE_ROLE, STAGE, front_door_of, settles_auth
from batchctl.application.front_door import LOAD_BALANCER as LOAD_BALANCER_ADDRESS
from batchctl.config import Config
from batchctl.config.sections import Api
from batchctl.engine.state import State, StateFile, StateIdentity, StateRecord
from batchctl.errors import UsageError
from batchctl.jobs.api.new_task import API_GATEWAY, LOAD_BALANCER
from batchctl.packaging import function_package
from batchctl.stack import build

IDENTITY = StateIdentity("batchapp", "123456789012", "eu-west-1")
STAGE_RECORD = StateRecord("stage", "api", outputs={"invoke_url": "https://x.example/v1"})
ALB_RECORD = StateRecord("load_balancer", "api", outputs={"dns_name": "alb.example"})
ROLE_RECORD = StateRecord("role", "api_execute", outputs={"arn": "arn:aws:iam::1:role/x"})
SIGNED = Config.model_validate({"api": {"mode": "restapi", "auth": "iam"}})


def recorded(mode: str | None, auth: str | None, *records: StateRecord) -> State:
    resources = {record.address: record for record in records}
    return State(IDENTITY, api_mode=mode, api_auth=auth, resources=resources)


def front_door(state: State | None, config: Config | None = None, *, local: bool = False) -> Any:
    local_url = f"http://127.0.0.1:{(config or Config()).api.port}" if local else None
    return front_door_of(config or Config(), state, local_url=local_url)


def test_the_state_goes_before_config() -> None:
    state = recorded("restapi", "iam", STAGE_RECORD, ROLE_RECORD)
    door = front_door(state)
    assert door == FrontDoor(
        mode="restapi",
        auth="iam",
        url="https://x.example/v1",
        region="eu-west-1",
        role="arn:aws:iam::1:role/x",
        limits=API_GATEWAY,
    )
    assert door.needs_signature
    with pytest.raises(FrozenInstanceError):
        door.auth = "none"


def test_before_up_config_alone_says_how_it_will_be() -> None:
    assert front_door(None, SIGNED) == FrontDoor("restapi", "iam", None, None, None, API_GATEWAY)
    door = front_door(None)
    assert (door.mode, door.limits, door.needs_signature) == ("alb", LOAD_BALANCER, False)


def test_a_load_balancer_is_called_on_its_port_and_by_its_certificate() -> None:
    state = recorded("alb", "none", ALB_RECORD)
    assert front_door(state).url == "http://alb.example:9999"
    arn = "arn:aws:acm:eu-west-1:123456789012:certificate/1"
    config = Config.model_validate({"api": {"port": 443, "certificate_arn": arn}})
    assert front_door(state, config).url == "https://alb.example:443"
    assert front_door(state, local=True).url == "http://127.0.0.1:9999"


@pytest.mark.parametrize(
    ("mode", "url"), [("alb", "http://alb.example:9999"), ("restapi", "https://x.example/v1")]
)
def test_while_one_takes_the_place_of_another_the_chosen_one_is_called(mode: str, url: str) -> None:
    assert front_door(recorded(mode, "none", ALB_RECORD, STAGE_RECORD)).url == url


def test_until_the_chosen_one_is_there_the_other_one_is_called() -> None:
    assert front_door(recorded("alb", "none", STAGE_RECORD)).url == "https://x.example/v1"
    assert front_door(recorded("restapi", "none", ALB_RECORD)).url == "http://alb.example:9999"


def test_each_front_door_of_config_is_known_and_a_load_balancer_has_one_auth() -> None:
    modes = get_args(Api.model_fields["mode"].annotation)
    assert {mode: settles_auth(mode) for mode in modes} == {"alb": True, "restapi": False}
    assert not settles_auth(None)


def test_every_address_that_is_read_from_the_state_is_one_of_the_stack() -> None:
    built = {
        resource.address
        for config in (Config(), SIGNED)
        for resource in build(config, image="x:1", package=function_package())
    }
    names = ("TABLE", "LOG_GROUP", "TRACKER", "QUEUE", "DEAD_LETTERS", "EVENT_DEAD_LETTERS")
    jobs = {getattr(job_resources, name) for name in names}
    assert {LOAD_BALANCER_ADDRESS, STAGE, EXECUTE_ROLE, *jobs} <= built


def test_under_the_lock_an_application_sees_what_another_run_built(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("compute: {image: 'x:1'}\n")
    application = open_to_compare(Target(tmp_path / "config.yaml"))
    with pytest.raises(UsageError, match="could not find application `batchapp`"):
        _ = application.endpoint
    StateFile(application.state_path, recorded("alb", "none")).put(ALB_RECORD)
    assert application.front_door.url is None
    with application.locked():
        assert application.endpoint == "http://alb.example:9999"


def test_a_slash_at_the_end_of_a_path_changes_nothing_at_the_load_balancer() -> None:
    stack = build(Config(), image="batchapp:1", package=function_package())
    paths = {path for each in stack for path in getattr(each, "paths", ())}
    assert paths == {"/v1/new-task", "/v1/new-task/", "/v1/tasks", "/v1/tasks/*"}


@pytest.mark.parametrize(
    ("local_url", "called"),
    [(None, "https://batch.example.com"), ("http://127.0.0.1:9999", "http://127.0.0.1:9999")],
)
def test_a_companys_own_address_is_called_in_place_of_the_load_balancers(
    local_url: str | None, called: str
) -> None:
    config = Config.model_validate({"api": {"endpoint": "https://batch.example.com"}})
    state = recorded("alb", "none", ALB_RECORD)
    assert front_door_of(config, state, local_url=local_url).url == called
    assert front_door_of(config, None).url is None
