"""What goes while it is read, between two calls of the reading, lets no reading fail.

So it is when a run was killed and its last call takes effect under the next run's eyes.
"""

from __future__ import annotations

from typing import Any

import pytest
from built import Application
from deletions import DELETIONS
from shared import Shared
from slices import one_in

from batchctl.engine.ownership import find_owned
from batchctl.engine.plan import observe


def _calls_to_read(application: Application, address: str) -> int:
    before = len(application.calls)
    assert _observed(application, address) is not None
    return len(application.calls) - before


def _observed(application: Application, address: str) -> Any:
    (resource,) = (each for each in application.stack if each.address == address)
    record = application.state.state.resources[address]
    return observe(resource, record, record.identity, application.aws)


def _delete_before_call(number: int, application: Application, address: str) -> None:
    """Let other hands delete it just before the call of that number, counted from now."""
    clients = tuple(application.aws.connection.clients.values())
    calls = 0

    def count(**_: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == number:
            for client in clients:
                client.meta.events.unregister("before-parameter-build", count)
            DELETIONS[address](application)

    for client in clients:
        client.meta.events.register("before-parameter-build", count)


# An image is read by what the user's folder is, which these applications don't have.
READ = [address for address in DELETIONS if address != "image.compute"]


@pytest.mark.parametrize("address", one_in(6, READ))
def test_no_reading_fails_by_what_goes_between_its_calls(shared: Shared, address: str) -> None:
    application = shared.settled()
    shared.application = None
    for number in range(2, _calls_to_read(application, address) + 1):
        _delete_before_call(number, application, address)
        _observed(application, address)
        find_owned(application.state.state.resources[address], application.aws)
        assert application.plan().changes
        application.up()
    shared.application = application
