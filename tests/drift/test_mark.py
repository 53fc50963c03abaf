"""The mark knows its region: one name in two regions of an account is two stacks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import boto3
import pytest
import witness
from built import Application
from default_vpc import make_default_vpc_public

from batchctl.aws import session
from batchctl.aws.session import Aws, Connection
from batchctl.aws.tags import REGION_TAG, STACK_TAG
from batchctl.engine.plan import Action, make_plan
from batchctl.resource import NotOwned


@contextmanager
def older_version() -> Iterator[None]:
    """The mark as it was before it had a region."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "mark_of", lambda stack, *_: {STACK_TAG: stack})
        yield


def in_ireland(application: Application) -> Application:
    """The same config.yaml, without a state, in another region of the account."""
    made = boto3.Session(
        aws_access_key_id="testing", aws_secret_access_key="testing", region_name="eu-west-1"
    )
    make_default_vpc_public(made.client("ec2"))
    aws = Aws(
        Connection(made), stack="batchapp", tags={"team": "quant"}, clock=application.aws.clock
    )
    return Application(aws, application.folder / "ireland", application.config)


def test_a_stack_of_an_older_version_gets_its_region_in_place_and_nothing_else_changes(
    account_in_memory: Application,
) -> None:
    application = account_in_memory
    with older_version():
        application.up()
    before = witness.inventory(application.client)
    plan = application.plan()
    paths = {change.path for step in plan.changes for change in step.changes}
    assert paths == {f"tags.{REGION_TAG}"}
    assert {step.action for step in plan.changes} == {Action.UPDATE}
    application.up()
    assert application.plan().changes == ()
    assert witness.inventory(application.client) == before


@pytest.mark.parametrize("first_is_older", [False, True])
def test_the_second_region_is_refused_before_anything_is_made_with_the_way_out(
    account_in_memory: Application, *, first_is_older: bool
) -> None:
    if first_is_older:
        with older_version():
            account_in_memory.up()
    else:
        account_in_memory.up()
    second = in_ireland(account_in_memory)
    before = witness.seen(account_in_memory.client)
    plan = make_plan(second.stack, second.state.state, second.aws)
    error = plan.outcome.failed["role.receiver"]
    assert isinstance(error, NotOwned)
    assert "us-east-1" in error.message
    assert "`name: batchapp-euw1`" in str(error.hint)
    assert witness.seen(account_in_memory.client) == before
    assert second.client("sqs").list_queues().get("QueueUrls", []) == []


def test_down_in_one_region_leaves_the_roles_of_the_other(account_in_memory: Application) -> None:
    first = account_in_memory
    first.up()
    second = in_ireland(first)
    for record in first.state.state.resources.values():
        if record.kind in {"role", "instance_profile"}:
            second.state.put(record)
    assert second.down().complete
    assert second.state.state.resources == {}
    assert first.plan().changes == ()
