"""One reading of a resource, which may go while it is read: a reading takes several calls."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from batchctl.aws.errors import is_missing
from batchctl.aws.session import Aws
from batchctl.resource import Actual, Outputs, Properties, Resource


def read(
    kind: Resource[Any] | type[Resource[Any]],
    aws: Aws,
    recorded: Outputs | None,
    desired: Properties,
) -> Actual[Any] | None:
    """Return what AWS has of a resource, as `Resource.read` does; None when there is none.

    What goes between two calls of a reading makes the later one fail: another run deletes it, or
    the last call of a run that was killed takes effect. Then it is read once more, from the start.
    """
    try:
        return kind.read(aws, recorded, desired)
    except ClientError as error:
        if not is_missing(error):
            raise
        return kind.read(aws, recorded, desired)
