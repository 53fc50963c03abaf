"""Reads asked together: one call for several names, and never an answer that is not one's own."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from batchctl.aws.batched_reads import MOST_NAMES, BatchedRead, Reads

THINGS = BatchedRead("place.DescribeThings", "names", "things", "name")
BOXES = BatchedRead("place.DescribeBoxes", "beginning", "boxes", "name", by_prefix=True)


@dataclass
class Place:
    """What there is, and what was asked; a name that is gone is refused, or else left out."""

    there: set[str]
    refuses: bool = True
    asked: list[Mapping[str, Any]] = field(default_factory=list)

    def things(self, **parameters: Any) -> dict[str, Any]:
        self.asked.append(parameters)
        names = parameters["names"]
        if self.refuses and not self.there.issuperset(names):
            raise ClientError({"Error": {"Code": "NotFound"}}, "DescribeThings")
        return {"things": [{"name": name} for name in names if name in self.there]}

    def boxes(self, **parameters: Any) -> dict[str, Any]:
        self.asked.append(parameters)
        found = sorted(each for each in self.there if each.startswith(parameters["beginning"]))
        return {"boxes": [{"name": each} for each in found]}


def thing(reads: Reads, place: Place, name: str) -> list[str]:
    answer = reads.call("place.DescribeThings", place.things, {"names": [name]})
    return [each["name"] for each in answer["things"]]


def box(reads: Reads, place: Place, name: str) -> list[str]:
    answer = reads.call("place.DescribeBoxes", place.boxes, {"beginning": name})
    return [each["name"] for each in answer["boxes"]]


def test_all_known_names_are_asked_for_in_one_call_and_each_gets_its_own() -> None:
    place = Place({"a", "b", "c"})
    reads = Reads({THINGS: ["b", "a", "a"]})
    assert [thing(reads, place, name) for name in "ab"] == [["a"], ["b"]]
    assert place.asked == [{"names": ["a", "b"]}]


def test_whoever_asks_again_asks_afresh_and_alone() -> None:
    place = Place({"a", "b"})
    reads = Reads({THINGS: ["a", "b"]})
    assert thing(reads, place, "a") == ["a"]
    place.there.remove("a")
    with pytest.raises(ClientError):
        thing(reads, place, "a")
    assert place.asked[1:] == [{"names": ["a"]}]


def test_when_one_that_is_gone_makes_aws_refuse_all_everyone_asks_alone() -> None:
    place = Place({"a", "b"})
    reads = Reads({THINGS: ["a", "b", "gone"]})
    assert [thing(reads, place, name) for name in "ab"] == [["a"], ["b"]]
    with pytest.raises(ClientError):
        thing(reads, place, "gone")
    assert [each["names"] for each in place.asked] == [["a", "b", "gone"], ["a"], ["b"], ["gone"]]


def test_what_is_left_out_of_the_common_answer_is_asked_for_once_more() -> None:
    place = Place({"a"}, refuses=False)
    reads = Reads({THINGS: ["a", "late"]})
    assert thing(reads, place, "a") == ["a"]
    place.there.add("late")
    assert thing(reads, place, "late") == ["late"]


def test_other_calls_are_made_as_they_are() -> None:
    place = Place({"a", "b", "other"})
    reads = Reads({THINGS: ["a", "b"]})
    assert thing(reads, place, "other") == ["other"]
    for parameters in ({"names": ["a", "b"]}, {"names": ["a"], "limit": 1}, {"names": [{"a": 1}]}):
        reads.call("place.DescribeThings", lambda **_: {"things": []}, parameters)
    assert place.asked == [{"names": ["other"]}]


def test_a_name_that_is_known_alone_is_no_group() -> None:
    place = Place({"a"})
    assert thing(Reads({THINGS: ["a"]}), place, "a") == ["a"]
    assert place.asked == [{"names": ["a"]}]


def test_more_names_than_a_call_takes_are_several_calls() -> None:
    names = [f"{number:03}" for number in range(2 * MOST_NAMES + 2)]
    place = Place(set(names))
    reads = Reads({THINGS: names})
    assert all(thing(reads, place, name) == [name] for name in names)
    assert [len(each["names"]) for each in place.asked] == [MOST_NAMES, MOST_NAMES, 2]


def test_by_prefix_what_is_in_one_folder_is_asked_for_by_what_it_begins_with() -> None:
    place = Place({"/x/app-one", "/x/app-only", "/y/app", "/y/app-2", "/x/app-others"})
    reads = Reads({BOXES: ["/x/app-one", "/x/app-only", "/y/app", "/y/app-2"]})
    asked = ("/x/app-one", "/x/app-only", "/y/app-2", "/y/app")
    assert [box(reads, place, name) for name in asked] == [[name] for name in asked]
    assert [each["beginning"] for each in place.asked] == ["/x/app-on", "/y/app"]


def test_those_who_ask_at_the_same_time_wait_for_the_one_call() -> None:
    place = Place({"a", "b", "c"})
    reads = Reads({THINGS: "abc"})
    together = threading.Barrier(3, timeout=10)

    def ask(name: str) -> list[str]:
        together.wait()
        return thing(reads, place, name)

    with ThreadPoolExecutor() as pool:
        assert list(pool.map(ask, "abc")) == [["a"], ["b"], ["c"]]
    assert len(place.asked) == 1


def test_a_lost_connection_is_the_error_of_one_and_the_others_ask_for_themselves() -> None:
    place = Place({"a", "b"})
    reads = Reads({THINGS: ["a", "b"]})

    def broken(**_: Any) -> dict[str, Any]:
        raise ConnectionClosedError(endpoint_url="http://127.0.0.1")

    with pytest.raises(ConnectionClosedError):
        reads.call("place.DescribeThings", broken, {"names": ["a"]})
    assert thing(reads, place, "b") == ["b"]
    assert place.asked == [{"names": ["b"]}]
