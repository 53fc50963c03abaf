"""The front door `restapi` with auth `iam`: drift, deletions and settings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import witness
from built import Application
from changes import CHANGED_BEHIND_REST_API, KeyPath, with_setting, with_settings
from deletions import BEHIND_REST_API
from hypothesis import given, settings
from hypothesis import strategies as st
from mutation import Mutation
from mutations_rest_api import REST_API
from repair import drift_and_repair
from shared import CONFIG, EXAMPLES, Shared
from slices import in_rounds, one_in
from web_acls import FIRST

from batchctl.engine.plan import Action
from batchctl.resources.logs import API_ERRORS

SIGNED = with_settings(
    CONFIG,
    {("api", "mode"): "restapi", ("api", "auth"): "iam", ("api", "web_acl_arn"): FIRST},
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """The application behind a REST API that wants signatures."""
    made = Shared((tmp_path_factory.mktemp("drift") for _ in iter(int, 1)), config=SIGNED)
    # Built before hypothesis changes the recursion limit, which Python 3.11 takes amiss while a
    # thread makes a syntax tree, as those of a first run do.
    made.settled()
    yield made
    made.forget()


@pytest.mark.parametrize(
    "mutations", one_in(12, in_rounds(lambda each: each.address, REST_API)), ids=len
)
@settings(EXAMPLES, max_examples=1)
@given(data=st.data())
def test_an_attribute_of_each_of_many_resources_is_shown_and_repaired(
    shared: Shared, mutations: list[Mutation], data: st.DataObject
) -> None:
    drift_and_repair(shared, [(each, data.draw(each.values)) for each in mutations])


@settings(EXAMPLES, max_examples=1)
@given(data=st.data())
def test_all_that_changed_at_once_is_repaired_at_once(shared: Shared, data: st.DataObject) -> None:
    one_each = {(each.address, each.path.partition(".")[0]): each for each in REST_API}
    drift_and_repair(shared, [(each, data.draw(each.values)) for each in one_each.values()])


@pytest.mark.parametrize("address", one_in(6, BEHIND_REST_API))
def test_what_other_hands_deleted_comes_back_with_all_that_hung_on_it(
    shared: Shared, address: str
) -> None:
    application = shared.settled()
    shared.application = None
    before = inventory(application)
    BEHIND_REST_API[address](application)
    assert inventory(application) != before
    planned = {step.address: step.action for step in application.plan().changes}
    assert planned[address] is Action.CREATE
    application.up()
    assert application.plan().changes == ()
    assert inventory(application) == before
    shared.application = application


def inventory(application: Application) -> dict[str, list[str]]:
    """What there is, but the logs of APIs that are gone: those stay, as they say what went wrong.

    They have the id of an API where the witness puts an API's name.
    """
    found = witness.inventory(application.client)
    logs = found["log groups"]
    kept = [name for name in logs if not name.startswith(API_ERRORS) or "batchapp" in name]
    return {**found, "log groups": kept}


@pytest.mark.parametrize(
    "path", one_in(6, ((path,) for path in CHANGED_BEHIND_REST_API)), ids=".".join
)
def test_a_changed_setting_is_brought_about_and_back(shared: Shared, path: KeyPath) -> None:
    application = shared.settled()
    shared.application = None
    value, addresses = CHANGED_BEHIND_REST_API[path]
    changed = application.with_config(with_setting(SIGNED, path, value))
    for each in (changed, application):
        planned = {step.address for step in each.plan().changes}
        assert planned >= addresses
        assert {step.address for step in each.up()} == planned
        assert each.plan().changes == ()
    shared.application = application


def test_an_unchanged_api_is_not_deployed_again(shared: Shared) -> None:
    application = shared.settled()
    before = len(application.writes)
    assert application.up() == []
    assert application.writes[before:] == []
