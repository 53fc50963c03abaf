"""What the receiver accepts, and how it refuses the rest: with 400 and the field, never a 5xx."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import ALBEvent
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchctl.contract.limits import MAX_BODY_BYTES
from handlers.http.front_door import RequestError
from handlers.http.request import NewTask, parse

Put = Callable[[dict[str, Any]], tuple[int, Any]]


def body(text: str | bytes) -> ALBEvent:
    if isinstance(text, bytes):
        return ALBEvent({"body": base64.b64encode(text).decode(), "isBase64Encoded": True})
    return ALBEvent({"body": text, "isBase64Encoded": False})


def job(**fields: Any) -> ALBEvent:
    return body(json.dumps({"job_id": "demo-1", "universe": ["A"]} | fields))


def nested(levels: int) -> dict[str, Any]:
    return {"x": nested(levels - 1)} if levels else {"x": 1}


def refusal(event: ALBEvent) -> RequestError:
    with pytest.raises(RequestError) as raised:
        parse(event)
    return raised.value


def test_a_request_without_parameters_has_none() -> None:
    task = parse(job(universe=["A", "B"]))
    assert task == NewTask("demo-1", ["A", "B"], "{}", task.content_hash)


def test_the_content_hash_is_of_the_content_not_of_its_spelling() -> None:
    one = parse(body('{"job_id":"a","universe":["é"],"parameters":{"x":1,"y":[2.0]}}'))
    other = parse(
        body('{ "parameters": {"y": [2.0], "x": 1}, "universe": ["\\u00e9"], "job_id": "b" }')
    )
    assert one.content_hash == other.content_hash
    assert one.content_hash != parse(job(universe=["é", "A"])).content_hash


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"job_id": ""}, "job_id"),
        ({"job_id": "-a"}, "job_id"),
        ({"job_id": "a" * 101}, "job_id"),
        ({"job_id": "a\n"}, "job_id"),
        ({"job_id": "é"}, "job_id"),
        ({"job_id": 7}, "job_id"),
        ({"job_id": None}, "job_id"),
        ({"universe": []}, "universe"),
        ({"universe": "AAPL"}, "universe"),
        ({"universe": {"A": 1}}, "universe"),
        ({"universe": None}, "universe"),
        ({"universe": ["A", True]}, "universe[1]"),
        ({"universe": ["A", 1]}, "universe[1]"),
        ({"universe": ["A", ["B"]]}, "universe[1]"),
        ({"universe": [""]}, "universe[0]"),
        ({"universe": ["a" * 257]}, "universe[0]"),
        ({"universe": ["A", "B", "A"]}, "universe[2]"),
        ({"universe": ["A", "\ud800"]}, "universe[1]"),
        ({"universe": ["\U0001f600" * 255]}, "universe[0]"),
        ({"parameters": None}, "parameters"),
        ({"parameters": [1]}, "parameters"),
        ({"parameters": {"a": "x" * 16384}}, "parameters"),
        ({"parameters": {"\udfff": 1}}, "parameters"),
        ({"parameters": nested(33)}, "parameters"),
        ({"parameters": nested(900)}, "parameters"),
        ({"paramters": {}}, "paramters"),
    ],
)
def test_a_wrong_field_is_named(fields: dict[str, Any], field: str) -> None:
    error = refusal(job(**fields))
    assert (error.status_code, error.field) == (400, field)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('{"job_id": "a", "job_id": "b", "universe": ["A"]}', "job_id"),
        ('{"job_id": "a", "universe": ["A"], "universe": ["A"]}', "universe"),
        ('{"job_id": "a", "universe": ["A"], "parameters": {}, "parameters": {}}', "parameters"),
        ('{"job_id": "a", "universe": ["A"], "parameters": {"x": 1, "x": 1}}', "parameters"),
        (
            '{"job_id": "a", "universe": ["A"], "parameters": {"x": [{"y": 1, "y": 2}]}}',
            "parameters",
        ),
        ('{"other": 1, "job_id": "a", "other": 2, "universe": ["A"]}', "other"),
    ],
)
def test_a_key_that_stands_twice_is_named(text: str, field: str) -> None:
    error = refusal(body(text))
    assert (error.status_code, error.field) == (400, field)
    assert "twice" in error.error


@pytest.mark.parametrize("missing", ["job_id", "universe"])
def test_a_missing_field_is_named(missing: str) -> None:
    fields = {"job_id": "demo-1", "universe": ["A"]}
    del fields[missing]
    error = refusal(body(json.dumps(fields)))
    assert (error.status_code, error.error, error.field) == (400, "is missing", missing)


def test_parameters_of_32_levels_are_accepted() -> None:
    assert json.loads(parse(job(parameters=nested(31))).parameters) == nested(31)


def test_items_of_256_characters_and_of_1017_bytes_are_accepted() -> None:
    longest = ["a" * 256, "\U0001f600" * 254 + "a"]
    assert [len(item.encode()) for item in longest] == [256, 1017]
    assert parse(job(universe=longest)).universe == longest


def test_an_item_of_1018_bytes_is_refused_with_the_reason() -> None:
    error = refusal(job(universe=["\U0001f600" * 254 + "aa"]))
    assert error.error.startswith("has 1018 bytes in UTF-8: at most 1017")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '"job"',
        "7",
        "{",
        "{'job_id': 'a'}",
        "\ufeff{}",
        '{"job_id": "a", "universe": ["A"], "parameters": {"x": NaN}}',
        '{"job_id": "a", "universe": ["A"], "parameters": {"x": 1e999}}',
        '{"job_id": "a", "universe": ["A"], "parameters": {"x": -Infinity}}',
        '{"job_id": "a", "universe": ["A"], "parameters": {"x": ' + "9" * 5000 + "}}",
        '{"job_id": "a", "universe": ["A"], "parameters": {"x": ' + "[" * 100_000,
        '{"job_id": "\ud800"}',
        b"\xff\xfe{}",
        b'{"job_id": "a", "universe": ["\xed\xa0\x80"]}',
    ],
)
def test_a_body_that_is_no_valid_json_is_refused(text: str | bytes) -> None:
    assert refusal(body(text)).status_code == 400


@pytest.mark.parametrize("text", ["?", "a", "é"])
def test_a_body_that_is_not_base64_though_it_says_so_is_refused(text: str) -> None:
    assert refusal(ALBEvent({"body": text, "isBase64Encoded": True})).status_code == 400


def test_a_null_body_is_refused() -> None:
    assert refusal(ALBEvent({"body": None, "isBase64Encoded": False})).status_code == 400


def test_a_body_over_10_mb_is_too_large() -> None:
    assert refusal(body(" " * (MAX_BODY_BYTES + 1))).status_code == 413


def test_more_than_a_million_items_are_refused() -> None:
    universe = json.dumps([str(number) for number in range(1_000_001)])
    error = refusal(body('{"job_id": "a", "universe": ' + universe + "}"))
    assert (error.status_code, error.field) == (400, "universe")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)
JOBS = st.fixed_dictionaries(
    {},
    optional={
        "job_id": st.just("demo") | JSON,
        "universe": st.lists(st.characters(codec=None), max_size=3) | JSON,
        "parameters": JSON,
        "other": JSON,
    },
)


# How fast a busy machine makes up requests is not what is tested.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary() | JOBS.map(lambda fields: json.dumps(fields).encode()))
def test_whatever_comes_is_a_job_or_is_refused(content: bytes) -> None:
    try:
        task = parse(body(content))
    except RequestError:
        return  # anything else that it raises fails the test
    assert json.loads(content)["universe"] == list(task.universe)
    assert json.loads(task.parameters) == json.loads(content).get("parameters", {})


@given(st.text())
def test_whatever_text_comes_is_a_job_or_is_refused(text: str) -> None:
    assert refusal(body(text)).status_code == 400


def test_a_compressed_body_is_the_same_request() -> None:
    plain = json.dumps({"job_id": "demo-1", "universe": [f"S{number}" for number in range(50_000)]})
    packed = gzip.compress(plain.encode())
    assert len(packed) < len(plain) / 3
    assert parse(body(packed)) == parse(body(plain))


@pytest.mark.parametrize("size", [MAX_BODY_BYTES + 1, 10 * MAX_BODY_BYTES])
def test_a_body_that_is_too_large_when_decompressed_is_refused_early(size: int) -> None:
    packed = gzip.compress(bytes(size), compresslevel=1)
    tracemalloc.start()
    try:
        refused = refusal(body(packed))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert refused.status_code == 413
    assert peak < 4 * MAX_BODY_BYTES


@pytest.mark.parametrize(
    "spoilt",
    [lambda packed: packed[:-9], lambda packed: packed[:20], lambda packed: packed + b"more"],
)
def test_a_body_that_cannot_be_decompressed_is_a_clear_error(
    spoilt: Callable[[bytes], bytes],
) -> None:
    packed = gzip.compress(b'{"job_id": "demo-1", "universe": ["A"]}')
    refused = refusal(body(spoilt(packed)))
    assert refused.status_code == 400
    assert "can't be decompressed" in refused.error


def test_an_item_may_have_parameters_of_its_own() -> None:
    task = parse(job(universe=["A", {"item": "B", "parameters": {"b": 1, "a": [2]}}]))
    assert (task.universe, task.own) == (["A", "B"], {1: '{"a":[2],"b":1}'})


@pytest.mark.parametrize("entry", [{"item": "B"}, {"item": "B", "parameters": {}}])
def test_an_item_without_parameters_is_the_same_as_a_string(entry: dict[str, Any]) -> None:
    assert parse(job(universe=["A", entry])) == parse(job(universe=["A", "B"]))


def test_the_content_hash_of_strings_is_what_it_has_always_been() -> None:
    # Of 1.0: jobs that were submitted by it are the same jobs now.
    text = '{"parameters":{"x":1},"universe":["A","\\u00e9"]}'
    task = parse(job(universe=["A", "é"], parameters={"x": 1}))
    assert task.content_hash == hashlib.sha256(text.encode()).hexdigest()


def test_items_parameters_are_content() -> None:
    def hashed(own: dict[str, Any]) -> str:
        return parse(job(universe=["A", {"item": "B", "parameters": own}])).content_hash

    assert hashed({"x": 1, "y": 2}) == hashed({"y": 2, "x": 1})
    assert hashed({"x": 1}) != hashed({"x": 2})


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        ({"item": "B", "parameters": [1]}, "universe[1].parameters"),
        ({"item": "B", "parameters": 0}, "universe[1]"),
        ({"item": "B", "parameters": {"x": "y" * 4096}}, "universe[1].parameters"),
        ({"item": "B", "parameters": nested(32)}, "universe[1].parameters"),
        ({"item": "B", "parameters": {"x": "\ud800"}}, "universe[1].parameters"),
        ({"item": "B", "x": 1}, "universe[1]"),
        ({"parameters": {"x": 1}}, "universe[1]"),
        ({"item": 1}, "universe[1]"),
        ({"item": "A", "parameters": {"x": 1}}, "universe[1]"),
        ([], "universe[1]"),
    ],
)
def test_an_entry_that_breaks_a_rule_is_refused_by_its_place(entry: Any, field: str) -> None:
    error = refusal(job(universe=["A", entry]))
    assert (error.status_code, error.field) == (400, field)


def test_an_entry_with_a_key_twice_is_refused() -> None:
    for entry in ('{"item":"A","item":"B"}', '{"item":"A","parameters":{"x":1,"x":2}}'):
        assert refusal(body(f'{{"job_id":"a","universe":[{entry}]}}')).status_code == 400
