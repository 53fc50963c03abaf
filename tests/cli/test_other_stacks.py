"""A changed `name` is another stack: the one that is recorded beside it is named, not touched."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import boto3
import pytest
from calls import Calls
from click.testing import Result

Batchctl = Callable[..., Result]
SECOND = "name: second\ncompute: {image: 'x:1'}\n"


@pytest.mark.usefixtures("account")
def test_a_renamed_stack_is_said_before_anything_is_made_and_by_down(
    batchctl: Batchctl, folder: Path, calls: Calls
) -> None:
    assert batchctl("up", "--yes").exit_code == 0
    (folder / "config.yaml").write_text(SECOND)
    calls.made.clear()
    for command in (("plan",), ("down", "--yes")):
        shown = batchctl(*command).stderr
        assert "WARNING: `.batchctl/batchapp.state.json` records another stack, `batchapp`" in shown
        assert "`name: batchapp` in config.yaml" in shown
    asked = batchctl("up")
    assert asked.exit_code == 2
    assert "`batchapp`" in asked.stderr
    assert calls.writes == []
    assert boto3.client("sqs").get_queue_url(QueueName="batchapp-jobs")


@pytest.mark.usefixtures("account")
def test_a_stack_that_is_deployed_itself_warns_of_no_other(
    batchctl: Batchctl, folder: Path
) -> None:
    batchctl("up", "--yes")
    (folder / "config.yaml").write_text(SECOND)
    assert "WARNING" in batchctl("up", "--yes").stderr
    assert "another stack" not in batchctl("plan").stderr
