"""logs, why, watch, retry, cancel and dead-letters on the local cloud, IAM enforced."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from application import Application
from own_compute import put_compute

# tests/cli has each of the commands on an account in memory.
pytestmark = [pytest.mark.e2e, pytest.mark.exhaustive]

COMPUTE = """
import os, time

def compute(item, parameters):
    print(f"looking at {item}")
    if item.startswith("bad") and not os.path.exists("mended"):
        raise ValueError("no price")
    while not os.path.exists(parameters.get("until", "/")):
        time.sleep(0.1)
    return {"item": item}
"""


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """The application, up, with a compute.py that fails for some items until it is mended."""
    folder = tmp_path_factory.mktemp("job-commands")
    put_compute(folder, COMPUTE)
    made = Application.make(folder, "compute: {tries: 1}\n")
    try:
        made.local("up", "--yes")
        yield made
    finally:
        made.run("local", "stop")


def read(application: Application, *arguments: str) -> Any:
    """What a command prints as one document of JSON."""
    return json.loads(application.local(*arguments, "--json").stdout)


def lines(application: Application, *arguments: str) -> list[Any]:
    """What a command prints as lines of JSON."""
    printed = application.local(*arguments, "--json").stdout
    return [json.loads(line) for line in printed.splitlines()]


def test_a_failed_job_is_explained_mended_and_retried_and_keeps_its_logs(
    application: Application,
) -> None:
    submitted = ("submit", "--job-id", "one", "--universe", "A,bad,B", "--wait")
    assert application.local(*submitted, check=False).returncode == 4
    (finding,) = read(application, "why", "one")["findings"]
    assert "`compute` raised for an item" in finding["cause"]
    (application.folder / "compute" / "mended").touch()
    application.local("up", "--yes")
    retried = read(application, "retry", "one")
    assert (retried["attempt"], retried["retried_items"]) == (2, 1)
    assert lines(application, "watch", "one")[-1]["status"] == "SUCCEEDED"
    shown = read(application, "show", "one")
    assert (shown["attempt"], shown["status"], shown["items"]) == (2, "SUCCEEDED", 3)
    told = [
        (line["job_attempt"], line["task"], line["attempt"])
        for line in lines(application, "logs", "one", "--item", "bad")
        if line["text"] == "looking at bad"
    ]
    assert told == [(1, 1, 1), (2, 0, 1)]
    everything = [line["text"] for line in lines(application, "logs", "one")]
    assert len([text for text in everything if text.startswith("looking at")]) == 4


def test_a_job_is_followed_until_it_is_cancelled_and_the_rest_can_be_run(
    application: Application,
) -> None:
    until = application.folder / "open"
    submitted = ("submit", "--job-id", "two", "--universe", "A,B,C,D", "--param", f"until={until}")
    application.local(*submitted)
    assert read(application, "cancel", "two")["status"] == "CANCELLED"
    assert read(application, "retry", "two", "--memory", "512", "--on-demand")["attempt"] == 2
    until.touch()
    followed = lines(application, "logs", "two", "--follow")
    looking = [line for line in followed if line["text"].startswith("looking")]
    # Some may have begun before the first run was cancelled.
    assert sorted(line["text"] for line in looking if line["job_attempt"] == 2) == [
        f"looking at {item}" for item in "ABCD"
    ]
    assert read(application, "show", "two")["status"] == "SUCCEEDED"


def test_dead_letters_are_shown_and_tried_again(application: Application) -> None:
    sqs = application.client("sqs")
    url = sqs.get_queue_url(QueueName="batchapp-dead-letters")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody='{"job_id": "two"}')
    (shown,) = read(application, "dead-letters", "show")["dead_letters"]
    assert (shown["queue"], shown["subject"]) == ("jobs", "two")
    redriven = read(application, "dead-letters", "redrive")
    assert redriven == {"messages": {"jobs": 1, "events": 0}}
    assert read(application, "dead-letters", "show") == {"dead_letters": []}
