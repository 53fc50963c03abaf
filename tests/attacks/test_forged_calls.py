"""Calls of AWS by those who have no key, with every signature that they can make up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from forgeries import FORGERIES, Forgery
from http_by_hand import Answer, Request, exchange, parsed
from service_calls import Call, calls
from signing import Key, Scope, presigned, signed
from victim import FUNCTION, INTRUDER, MARKER, Victim

pytestmark = pytest.mark.e2e

METHODS = ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE")


@pytest.fixture(scope="module")
def user(victim: Victim) -> Key:
    """The key of a user who may do anything."""
    iam = victim.cloud.iam
    iam.create_user(UserName="someone")
    iam.attach_user_policy(
        UserName="someone", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
    )
    made = iam.create_access_key(UserName="someone")["AccessKey"]
    return Key(made["AccessKeyId"], made["SecretAccessKey"])


def test_every_call_succeeds_with_roots_own_signature(victim: Victim) -> None:
    answers = {
        call.service: victim.to_gateway(victim.as_root(call.request, call.service))
        for call in calls(victim.gateway, "ours")
    }
    assert {name: answer.status for name, answer in answers.items() if answer.status >= 300} == {}
    assert [name for name, answer in answers.items() if answer.lets_pages_read_it] == []


@pytest.mark.parametrize("forgery", FORGERIES)
def test_no_service_takes_a_forged_signature(victim: Victim, forgery: str) -> None:
    assert let_in(victim, FORGERIES[forgery], victim.root) == {}
    assert INTRUDER not in victim.names()


@pytest.mark.parametrize("method", METHODS)
def test_no_method_does_without_a_signature(victim: Victim, method: str) -> None:
    requests = [
        replace(call.request, method=method, target=target)
        for call in calls(victim.gateway, INTRUDER)
        for target in (call.request.target, f"/{INTRUDER}", f"/2015-03-31/functions/{FUNCTION}")
    ]
    answers = [(request.target, victim.to_gateway(request)) for request in requests]
    assert [(target, answer.status) for target, answer in answers if not answer.is_refusal] == []
    assert INTRUDER not in victim.names()
    assert victim.cloud.client("lambda").get_function(FunctionName=FUNCTION)


@pytest.mark.parametrize(
    "forge",
    [
        lambda request, key, scope: signed(request, Key(key.id, "guessed"), scope),
        lambda request, key, scope: signed(request, Key(key.id, ""), scope),
        lambda request, key, scope: presigned(request, key, scope, signature="0" * 64),
        lambda request, key, scope: signed(request, key, replace(scope, age=timedelta(hours=1))),
        lambda request, key, scope: replace(signed(request, key, scope), body=b"{}"),
    ],
    ids=["another secret", "an empty secret", "zeros in the query", "an hour old", "another body"],
)
def test_an_administrators_key_is_no_good_without_a_right_signature(
    victim: Victim, user: Key, forge: Callable[[Request, Key, Scope], Request]
) -> None:
    def forgery(call: Call, key: Key) -> Request:
        return forge(call.request, key, Scope(call.service))

    assert let_in(victim, forgery, user) == {}
    assert INTRUDER not in victim.names()


def test_an_administrators_key_is_good_with_a_right_signature(victim: Victim, user: Key) -> None:
    request = next(each for each in calls(victim.gateway, "") if each.service == "sts").request
    answer = victim.to_gateway(signed(request, user, Scope("sts")))
    assert answer.status == 200
    assert b"user/someone" in answer.body


def test_nobody_reads_or_writes_a_public_bucket_without_a_key(victim: Victim) -> None:
    s3 = victim.cloud.s3
    s3.create_bucket(Bucket="public", ObjectOwnership="ObjectWriter")
    s3.delete_public_access_block(Bucket="public")
    s3.put_bucket_acl(Bucket="public", ACL="public-read-write")
    s3.put_object(Bucket="public", Key="object", Body=b"private", ACL="public-read-write")
    hosts = (victim.host, f"public.localhost:{victim.gateway}", f"localhost:{victim.gateway}")
    requests = [
        Request(method, target, (("Host", host),), b"written")
        for host in hosts
        for method in ("GET", "HEAD", "PUT", "DELETE")
        for target in ("/public/object", "/object")
    ]
    answers = [(request, victim.to_gateway(request)) for request in requests]
    assert [(request, answer.status) for request, answer in answers if not answer.is_refusal] == []
    assert s3.get_object(Bucket="public", Key="object")["Body"].read() == b"private"


def test_nobody_reads_or_writes_the_image_registry_without_a_key(victim: Victim) -> None:
    victim.cloud.ecr.create_repository(repositoryName="images")
    guesses = ("", "Basic QVdTOnRlc3Q=", "Basic QVdTOg==", "Bearer test", "Basic QVdTOmxvY2Fs")
    requests = [
        Request(method, target, (("Authorization", guess),) if guess else ())
        for guess in guesses
        for method, target in (
            ("GET", "/v2/"),
            ("GET", "/v2/_catalog"),
            ("GET", "/v2/images/tags/list"),
            ("POST", "/v2/images/blobs/uploads/"),
            ("PUT", "/v2/images/manifests/intruder"),
        )
    ]
    answers = [(request, victim.to_gateway(request)) for request in requests]
    assert [(request, answer.status) for request, answer in answers if not answer.is_refusal] == []


def test_an_overheard_call_does_not_open_its_connection_for_others(victim: Victim) -> None:
    sts, users = (
        next(each for each in calls(victim.gateway, INTRUDER) if each.service == service)
        for service in ("sts", "iam")
    )
    good = victim.as_root(sts.request, "sts").written().replace(b"Connection: close\r\n", b"")
    together = exchange(victim.gateway, good + users.request.written())
    first, second = answers_of(together)
    assert (first.status, second.is_refusal) == (200, True)
    assert INTRUDER not in victim.names()


def let_in(victim: Victim, forgery: Forgery, key: Key) -> dict[str, tuple[int, bytes]]:
    """Send each service a forged call; return the answers of those that didn't refuse it."""
    answers = {
        call.service: victim.to_gateway(forgery(call, key))
        for call in calls(victim.gateway, INTRUDER)
    }
    return {
        name: (answer.status, answer.body[:200])
        for name, answer in answers.items()
        if not answer.is_refusal
    }


def answers_of(content: bytes) -> Iterator[Answer]:
    starts = [part for part in content.split(b"HTTP/1.1 ") if part]
    return (parsed(b"HTTP/1.1 " + part) for part in starts)


def test_nothing_was_taken_away(victim: Victim) -> None:
    assert MARKER in victim.names()
