"""Examples of the SQS kinds."""

from __future__ import annotations

import dataclasses

from example import Example

from batchctl.resources.sqs import Queue

dead_letters = Queue(
    label="dead_letters",
    name="batchapp-dead-letters",
    visibility_timeout_s=30,
    retention_s=1_209_600,
    takes_from="batchapp-jobs",
)
queue = Queue(
    label="jobs",
    name="batchapp-jobs",
    visibility_timeout_s=360,
    retention_s=604_800,
    dead_letters=dead_letters,
)

EXAMPLES = [
    Example(queue, dataclasses.replace(queue, retention_s=86_400)),
    Example(dead_letters, dataclasses.replace(dead_letters, takes_from=None)),
]
