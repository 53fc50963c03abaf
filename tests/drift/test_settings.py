"""Every setting of config.yaml can be changed, and `plan` says exactly what `up` then does."""

from __future__ import annotations

from typing import Any

import pytest
from built import Application
from changes import (
    CERTIFICATE,
    CHANGED,
    CHANGED_BEHIND_REST_API,
    SKIPPED,
    SUBNETS,
    VPC,
    KeyPath,
    with_setting,
    with_settings,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from shared import CONFIG, EXAMPLES, Shared
from slices import one_in

from batchctl.config import Config, key_paths
from batchctl.engine.plan import Action

SECTIONS = {path[:-1] for path in key_paths() if path[1:]}
SETTINGS = [path for path in key_paths() if path not in SECTIONS]


def in_account(application: Application, value: Any) -> Any:
    """Return the value with the account's own ids in the place of their names."""
    subnets = application.client("ec2").describe_subnets()["Subnets"]
    if value == VPC:
        return subnets[0]["VpcId"]
    if value == SUBNETS:
        return sorted(each["SubnetId"] for each in subnets)[:2]
    if value == CERTIFICATE:
        acm = application.client("acm")
        return acm.request_certificate(DomainName="jobs.example")["CertificateArn"]
    return value


def brought_about(application: Application) -> dict[str, Action]:
    """Bring the application about, as planned and nothing else; return the actions by address."""
    planned = {step.address: step.action for step in application.plan().changes}
    done: dict[str, Action] = {}
    for step in application.up():
        # A replaced resource's predecessor is deleted at the end: that is part of the replacement.
        if done.setdefault(step.address, step.action) is not step.action:
            assert (done[step.address], step.action) == (Action.REPLACE, Action.DELETE)
    assert done == planned
    assert application.plan().changes == ()
    return planned


def test_every_setting_is_changed_by_a_test_or_skipped_for_a_reason() -> None:
    assert set(SETTINGS) == set(CHANGED) | set(CHANGED_BEHIND_REST_API) | set(SKIPPED)


@pytest.mark.parametrize("path", one_in(6, ((path,) for path in CHANGED)), ids=".".join)
def test_a_changed_setting_is_planned_where_it_belongs(shared: Shared, path: KeyPath) -> None:
    application = shared.settled()
    value, addresses = CHANGED[path]
    changed = with_setting(CONFIG, path, in_account(application, value))
    assert changed != CONFIG
    planned = application.with_config(changed).plan()
    assert {step.address for step in planned.changes} >= addresses


def apart() -> list[list[KeyPath]]:
    """All settings, in rounds of such as have no address in common."""
    rounds: list[list[KeyPath]] = []
    for path, (_, addresses) in CHANGED.items():
        fitting = (each for each in rounds if not any(CHANGED[p][1] & addresses for p in each))
        found = next(fitting, None)
        if found is None:
            rounds.append([path])
        else:
            found.append(path)
    return rounds


@pytest.mark.parametrize("paths", one_in(20, ((paths,) for paths in apart())), ids=len)
def test_changed_settings_are_brought_about_and_back(shared: Shared, paths: list[KeyPath]) -> None:
    application = shared.settled()
    shared.application = None
    values = {path: in_account(application, CHANGED[path][0]) for path in paths}
    expected = frozenset[str]().union(*(CHANGED[path][1] for path in paths))
    assert set(brought_about(application.with_config(with_settings(CONFIG, values)))) >= expected
    assert set(brought_about(application)) >= expected
    shared.application = application


def configurations(application: Application) -> st.SearchStrategy[Config]:
    """Any settings at all that config.yaml allows, of those that a test may change."""
    values = {path: in_account(application, value) for path, (value, _) in CHANGED.items()}
    # The instance types are of one architecture.
    exclusive = {("compute", "architecture"), ("compute", "instance_types")}
    chosen = st.sets(st.sampled_from(sorted(values))).filter(lambda paths: not exclusive <= paths)
    return chosen.map(lambda paths: with_settings(CONFIG, {path: values[path] for path in paths}))


@pytest.mark.exhaustive
@settings(EXAMPLES, max_examples=25)
@given(data=st.data())
def test_up_does_what_plan_says_from_any_configuration_to_any_other(
    shared: Shared, data: st.DataObject
) -> None:
    application = shared.settled()
    shared.application = None
    changed = application.with_config(data.draw(configurations(application)))
    brought_about(changed)
    # What the one leads to is where the next one starts.
    shared.application = changed
