"""Reads asked barrier: one call for several names, and never an answer that is not one's own."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from batchctl.aws.batched_reads import MOST_NAMES, BatchedRead, Reads

THINGS = BatchedRead("fake.DescribeThings", "names", "things", "name")
BOXES = BatchedRead("fake.DescribeBoxes", "beginning", "boxes", "name", by_prefix=True)


@dataclass
class FakeService:
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


def thing(reads: Reads, service: FakeService, name: str) -> list[str]:
    answer = reads.call("fake.DescribeThings", service.things, {"names": [name]})
    return [each["name"] for each in answer["things"]]


def box(reads: Reads, service: FakeService, name: str) -> list[str]:
    answer = reads.call("fake.DescribeBoxes", service.boxes, {"beginning": name})
    return [each["name"] for each in answer["boxes"]]


def test_all_known_names_are_asked_for_in_one_call_and_each_gets_its_own() -> None:
    service = FakeService({"a", "b", "c"})
    reads = Reads({THINGS: ["b", "a", "a"]})
    assert [thing(reads, service, name) for name in "ab"] == [["a"], ["b"]]
    assert service.asked == [{"names": ["a", "b"]}]


def test_whoever_asks_again_asks_afresh_and_alone() -> None:
    service = FakeService({"a", "b"})
    reads = Reads({THINGS: ["a", "b"]})
    assert thing(reads, service, "a") == ["a"]
    service.there.remove("a")
    with pytest.raises(ClientError):
        thing(reads, service, "a")
    assert service.asked[1:] == [{"names": ["a"]}]


def test_when_one_that_is_gone_makes_aws_refuse_all_everyone_asks_alone() -> None:
    service = FakeService({"a", "b"})
    reads = Reads({THINGS: ["a", "b", "gone"]})
    assert [thing(reads, service, name) for name in "ab"] == [["a"], ["b"]]
    with pytest.raises(ClientError):
        thing(reads, service, "gone")
    assert [each["names"] for each in service.asked] == [["a", "b", "gone"], ["a"], ["b"], ["gone"]]


def test_what_is_left_out_of_the_common_answer_is_asked_for_once_more() -> None:
    service = FakeService({"a"}, refuses=False)
    reads = Reads({THINGS: ["a", "late"]})
    assert thing(reads, service, "a") == ["a"]
    service.there.add("late")
    assert thing(reads, service, "late") == ["late"]


def test_other_calls_are_made_as_they_are() -> None:
    service = FakeService({"a", "b", "other"})
    reads = Reads({THINGS: ["a", "b"]})
    assert thing(reads, service, "other") == ["other"]
    for parameters in ({"names": ["a", "b"]}, {"names": ["a"], "limit": 1}, {"names": [{"a": 1}]}):
        reads.call("fake.DescribeThings", lambda **_: {"things": []}, parameters)
    assert service.asked == [{"names": ["other"]}]


def test_a_name_that_is_known_alone_is_no_group() -> None:
    service = FakeService({"a"})
    assert thing(Reads({THINGS: ["a"]}), service, "a") == ["a"]
    assert service.asked == [{"names": ["a"]}]


def test_more_names_than_a_call_takes_are_several_calls() -> None:
    names = [f"{number:03}" for number in range(2 * MOST_NAMES + 2)]
    service = FakeService(set(names))
    reads = Reads({THINGS: names})
    assert all(thing(reads, service, name) == [name] for name in names)
    assert [len(each["names"]) for each in service.asked] == [MOST_NAMES, MOST_NAMES, 2]


def test_by_prefix_what_is_in_one_folder_is_asked_for_by_what_it_begins_with() -> None:
    service = FakeService({"/x/app-one", "/x/app-only", "/y/app", "/y/app-2", "/x/app-others"})
    reads = Reads({BOXES: ["/x/app-one", "/x/app-only", "/y/app", "/y/app-2"]})
    asked = ("/x/app-one", "/x/app-only", "/y/app-2", "/y/app")
    assert [box(reads, service, name) for name in asked] == [[name] for name in asked]
    assert [each["beginning"] for each in service.asked] == ["/x/app-on", "/y/app"]


def test_those_who_ask_at_the_same_time_wait_for_the_one_call() -> None:
    service = FakeService({"a", "b", "c"})
    reads = Reads({THINGS: "abc"})
    barrier = threading.Barrier(3, timeout=60)

    def ask(name: str) -> list[str]:
        barrier.wait()
        return thing(reads, service, name)

    with ThreadPoolExecutor() as pool:
        assert list(pool.map(ask, "abc")) == [["a"], ["b"], ["c"]]
    assert len(service.asked) == 1


def test_a_lost_connection_is_the_error_of_one_and_the_others_ask_for_themselves() -> None:
    service = FakeService({"a", "b"})
    reads = Reads({THINGS: ["a", "b"]})

    def broken(**_: Any) -> dict[str, Any]:
        raise ConnectionClosedError(endpoint_url="http://127.0.0.1")

    with pytest.raises(ConnectionClosedError):
        reads.call("fake.DescribeThings", broken, {"names": ["a"]})
    assert thing(reads, service, "b") == ["b"]
    assert service.asked == [{"names": ["b"]}]
