"""Which ends of Batch jobs the tracker is invoked for: the filter of the event rule.

Most children of an array succeed at their first attempt, and their events say nothing that the
tracker records. An array has 10,000 of them, and a new account runs ten functions at once (Lambda
quotas), so EventBridge leaves them out.

Source: Amazon EventBridge User Guide, "Comparison operators for use in event patterns" (`$or`,
`prefix`, `exists`, which is true or false of a leaf); of an array of objects any one can match.
"""

from __future__ import annotations

from typing import Any

from batchctl.contract.reasons import EXIT_TERMINATED, HOST_GONE
from batchctl.contract.statuses import TaskStatus

_SUCCEEDED = [TaskStatus.SUCCEEDED.value]
NOTEWORTHY_ENDS: tuple[dict[str, Any], ...] = (
    {"status": [TaskStatus.FAILED.value]},
    # An array, or a job that is none: only the children of an array have an index.
    {"status": _SUCCEEDED, "arrayProperties": {"index": [{"exists": False}]}},
    # A child that lost its host before it succeeded.
    {"status": _SUCCEEDED, "attempts": {"statusReason": [{"prefix": HOST_GONE}]}},
    {"status": _SUCCEEDED, "attempts": {"container": {"exitCode": [EXIT_TERMINATED]}}},
)
"""Of `detail`, a JobDetail of AWS Batch: one of these has to match."""
