"""What each resource is for: its own kind says so, else its users, else what it uses."""

from __future__ import annotations

import pytest

import batchctl.stack  # noqa: F401 - declares every kind
from batchctl.engine.graph import Group, groups_of
from batchctl.resource import Resource

SERVES_ANY = {"role", "log_group", "permission", "security_group"}
"""Kinds that belong to what uses them."""


def test_every_other_kind_says_what_it_is_for() -> None:
    ours = {k: kind for k, kind in Resource.kinds.items() if kind.__module__.startswith("batchctl")}
    assert {name for name, kind in ours.items() if kind.group is None} == SERVES_ANY


@pytest.mark.parametrize(
    ("graph", "group"),
    [
        ({"role.x": [], "function.x": ["role.x"]}, Group.FUNCTIONS),
        ({"role.x": [], "instance_profile.x": ["role.x"]}, Group.COMPUTE),
        (
            {"role.x": [], "function.x": ["permission.x"], "permission.x": ["role.x"]},
            Group.FUNCTIONS,
        ),
        (
            {"role.x": ["function.x", "event_rule.x"], "function.x": [], "event_rule.x": []},
            "events",
        ),
        ({"role.x": []}, Group.OTHER),
        ({"role.x": ["role.y"], "role.y": ["role.x"]}, Group.OTHER),
    ],
)
def test_a_role_is_for_the_nearest_that_says_what_it_is_for(
    graph: dict[str, list[str]], group: Group
) -> None:
    assert groups_of(graph)["role.x"] == group
