"""The passwords of the image registry."""

from __future__ import annotations

import base64

import pytest

from batchctl.local.front.registry import Passwords, challenge


def test_a_password_is_good_for_twelve_hours_and_the_one_before_it_too() -> None:
    now = [0.0]
    passwords = Passwords(lambda: now[0])
    first, until = passwords.issue()
    now[0] = 60.0
    second, _ = passwords.issue()
    assert first != second
    assert until == 12 * 3600
    assert passwords.admit(f"Basic {first}")
    now[0] = until
    assert not passwords.admit(f"Basic {first}")
    assert passwords.admit(f"basic {second}")


@pytest.mark.parametrize(
    "user_and_password", [b"AWS:", b"AWS:guessed", b"root:{}", b"AWS", b"\xff", b"", b"AWS:{}:x"]
)
def test_anything_else_is_refused(user_and_password: bytes) -> None:
    passwords = Passwords()
    password = base64.b64decode(passwords.issue()[0]).partition(b":")[2]
    token = base64.b64encode(user_and_password.replace(b"{}", password)).decode()
    assert not passwords.admit(f"Basic {token}")


@pytest.mark.parametrize("header", ["", "Basic", "Basic !!!", "Bearer x", "Basic \u00e9"])
def test_a_malformed_header_is_refused(header: str) -> None:
    assert not Passwords().admit(header)


def test_the_challenge_asks_for_a_user_and_a_password() -> None:
    status, headers, _ = challenge()
    assert status == 401
    assert headers["WWW-Authenticate"].startswith("Basic realm=")
