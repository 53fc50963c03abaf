"""`open` knows the console's pages of what is deployed."""

from __future__ import annotations

import webbrowser
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

Batchctl = Callable[..., Result]


@pytest.fixture
def built(account: None, batchctl: Batchctl) -> None:
    assert batchctl("up", "--yes").exit_code == 0


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize(
    ("page", "end"),
    [
        (
            "jobs",
            "/batch/home?region=us-east-1#queues/detail/arn:aws:batch:us-east-1:123456789012:",
        ),
        ("table", "/dynamodbv2/home?region=us-east-1#table?name=batchapp-jobs"),
        ("logs", "/cloudwatch/home?region=us-east-1#logsV2:log-groups/log-group/$252F"),
        ("tracker", "/lambda/home?region=us-east-1#/functions/batchapp-JobTracker"),
        ("queue", "/sqs/v3/home?region=us-east-1#/queues/https%3A%2F%2F"),
    ],
)
def test_each_page_has_its_address(batchctl: Batchctl, page: str, end: str) -> None:
    shown = batchctl("open", page, "--print").stdout
    assert shown.startswith(f"https://us-east-1.console.aws.amazon.com{end}")


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize("has_browser", [True, False])
def test_without_a_browser_the_address_is_printed(
    batchctl: Batchctl, monkeypatch: pytest.MonkeyPatch, has_browser: bool
) -> None:
    opened = []

    class Browser:
        def open(self, address: str) -> bool:
            opened.append(address)
            return has_browser

    def get() -> Any:
        return Browser()

    monkeypatch.setattr(webbrowser, "get", get)
    done = batchctl("open")
    assert (done.stdout == "") == has_browser
    assert opened[0] in (done.stdout or done.stderr)


def test_what_isnt_deployed_and_the_local_cloud_have_no_page(batchctl: Batchctl) -> None:
    assert batchctl("open", "--print").exit_code == 2
    local = batchctl("--local", "open", "--print")
    assert (local.exit_code, "the local cloud has none" in local.stderr) == (2, True)
