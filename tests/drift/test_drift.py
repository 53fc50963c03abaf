"""What other hands changed is shown by `plan`, repaired by `up`, and nothing else is touched."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutation import Mutation
from mutations import MUTATIONS
from mutations_rest_api import REST_API
from repair import drift_and_repair
from shared import EXAMPLES, Shared
from slices import in_rounds, one_in

from batchctl.resource import Resource

CHANGED_AT_ONCE = 12


# The first of each kind.
ALONE = list({each.address.partition(".")[0]: each for each in reversed(MUTATIONS)}.values())


@pytest.mark.parametrize("mutation", one_in(8, ALONE), ids=str)
@settings(EXAMPLES, max_examples=1)
@given(data=st.data())
def test_an_attribute_changed_by_other_hands_is_shown_and_repaired(
    shared: Shared, mutation: Mutation, data: st.DataObject
) -> None:
    drift_and_repair(shared, [(mutation, data.draw(mutation.values))])


def _address(mutation: Mutation) -> str:
    return mutation.address


@pytest.mark.parametrize("mutations", one_in(8, in_rounds(_address, MUTATIONS)), ids=len)
@settings(EXAMPLES, max_examples=1)
@given(data=st.data())
def test_an_attribute_of_each_of_many_resources_is_shown_and_repaired(
    shared: Shared, mutations: list[Mutation], data: st.DataObject
) -> None:
    drift_and_repair(shared, [(each, data.draw(each.values)) for each in mutations])


def _conflict_key(mutation: Mutation) -> tuple[str, str]:
    """What no two changes may have in common; an upload of code is one of its architecture.

    A permission is changed by another statement in the place of its own: the last one counts.
    """
    top, _, _ = mutation.path.partition(".")
    if mutation.address.startswith("permission."):
        return mutation.address, "Statement"
    return mutation.address, "Code" if top in {"CodeSha256", "Architectures"} else top


def _chosen(seed: int) -> list[Mutation]:
    """Some mutations at random, none of which conflict."""
    chance = random.Random(seed)  # noqa: S311 - which tests run is no secret
    shuffled = chance.sample(MUTATIONS, len(MUTATIONS))
    chosen = {_conflict_key(each): each for each in shuffled}
    return list(chosen.values())[: chance.randint(2, CHANGED_AT_ONCE)]


@pytest.mark.parametrize("seed", one_in(7, range(20)))
@settings(EXAMPLES, max_examples=1)
@given(data=st.data())
def test_many_attributes_changed_at_once_are_shown_and_repaired_at_once(
    shared: Shared, seed: int, data: st.DataObject
) -> None:
    drift_and_repair(shared, [(each, data.draw(each.values)) for each in _chosen(seed)])


def test_a_statement_of_ours_that_lets_in_another_account_is_the_functions_matter_too(
    shared: Shared,
) -> None:
    statement = shared.settled().outputs("permission.receiver").id
    (let_in,) = [each for each in MUTATIONS if str(each) == "permission.receiver:SourceArn"]
    source = "arn:aws:elasticloadbalancing:us-east-1:999999999999:targetgroup/x/y"
    # The one change is seen at two addresses.
    also = Mutation("function.receiver", f"StatementsOfOthers.{statement}", _nothing, let_in.values)
    drift_and_repair(shared, [(let_in, source), (also, None)])


def _nothing(*_: object) -> None:
    """Change nothing more."""


def test_every_kind_that_can_drift_has_mutations() -> None:
    kinds = {each.address.partition(".")[0] for each in (*MUTATIONS, *REST_API)}
    ours = {
        kind for kind, each in Resource.kinds.items() if each.__module__.startswith("batchctl.")
    }
    # Service-linked roles and the role for API Gateway's logs have nothing that is ours; a
    # deployment is a snapshot; an image has a tag that can't be moved.
    nothing = {"service_linked_role", "api_logging", "api_deployment", "image"}
    looked_up = {kind for kind in ours if Resource.kinds[kind].lookup}
    assert kinds == ours - nothing - looked_up
