"""What counts as a difference: keys that we own, at any depth; documents whole."""

from __future__ import annotations

from batchctl.engine.difference import Change, difference
from batchctl.resource import Document


def test_keys_that_we_do_not_own_are_never_a_difference() -> None:
    assert difference({"A": {"x": 1}}, {"A": {"x": 1, "default": 2}, "desiredvCpus": 9}) == ()


def test_a_changed_key_is_named_by_its_path_with_old_and_new() -> None:
    assert difference({"A": {"x": 1}}, {"A": {"x": 2}}) == (Change("A.x", 2, 1),)


def test_a_missing_key_was_nothing_before() -> None:
    assert difference({"A": 1}, {}) == (Change("A", None, 1),)


def test_in_a_document_what_others_added_counts_at_any_depth() -> None:
    desired = {"Policy": Document(Version="1", Extra={})}
    actual = {"Policy": {"Version": "1", "Extra": {"theirs": True}, "Id": "x"}}
    assert {change.path for change in difference(desired, actual)} == {
        "Policy.Extra.theirs",
        "Policy.Id",
    }


def test_a_value_known_after_up_is_marked() -> None:
    change = difference({"A": ["⟨known after up: queue.jobs.arn⟩"]}, {"A": ["x"]})[0]
    assert not change.known
