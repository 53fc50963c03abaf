"""Which IAM action a call takes, and which are granted somewhere in our declarations."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from botocore.model import OperationModel

from batchctl import stack
from batchctl.application.grants import GRANTS as BESIDE
from batchctl.application.job_grants import GRANTS as OF_JOBS
from batchctl.resource import Resource
from batchctl.resource.grants import Grant

# Need no permission (AWS STS API reference): whose the credentials are, and a login by itself.
FREE = {"sts:GetCallerIdentity", "sts:AssumeRoleWithWebIdentity"}
# Where an operation isn't an action of its name (Service Authorization Reference).
OTHERWISE = {
    "lambda:Invoke": "lambda:InvokeFunction",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
}


def action_of(model: OperationModel) -> str:
    """Return the IAM action of an operation; of API Gateway's it is the HTTP method."""
    service = model.service_model.signing_name
    if service == "apigateway":
        return f"apigateway:{model.http['method']}"
    action = f"{service}:{model.name}"
    return OTHERWISE.get(action, action)


def grants() -> Iterator[Grant]:
    """Yield every declaration."""
    assert callable(stack.build)  # importing it imports every kind
    for kind in Resource.kinds.values():
        yield from kind.grants
    yield from OF_JOBS
    yield from BESIDE


@functools.cache
def granted_actions() -> frozenset[str]:
    """Return all actions that are granted for something."""
    return frozenset(action for each in grants() for action in each.full_actions) | FREE
