"""Items as a stranger may write them into the table, for tests with hypothesis."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError
from hypothesis import strategies as st

from batchctl.contract.statuses import Status
from handlers.store.jobs import JobStore

DEEP = "[" * 1000 + "]" * 1000
NUMBERS = st.sampled_from(
    ["0", "-1", "1", "2.5", "9" * 38, "-" + "9" * 38, "1E+125", "1E-130", "10001", "1000001"]
)
TEXTS = st.sampled_from(
    [
        "",
        "JOB",
        "SUCCEEDED",
        "FAILED",
        "LOST",
        "NaN",
        DEEP,
        "{}",
        '{"x": 1e999}',
        "\x1b[31m\n\u202e",
    ]
) | st.text(st.characters(codec="utf-8"), max_size=5)
TIMESTAMPS = st.sampled_from(
    ["2026-09-21T14:13:20.000000Z", "2026-99-21T14:13:20.000000Z", "9999-12-31T23:59:59.999999Z"]
)
VALUES: st.SearchStrategy[dict[str, Any]] = st.recursive(
    st.builds(lambda text: {"S": text}, TEXTS | TIMESTAMPS)
    | st.builds(lambda number: {"N": number}, NUMBERS)
    | st.sampled_from([{"BOOL": True}, {"NULL": True}, {"SS": ["A", "B"]}, {"L": []}, {"M": {}}]),
    lambda inner: (
        st.builds(lambda values: {"L": values}, st.lists(inner, max_size=3))
        | st.builds(
            lambda values: {"M": values},
            st.dictionaries(st.sampled_from(["id", "first_task", "tasks", "on_demand"]), inner),
        )
    ),
    max_leaves=4,
)
NAMES = (
    *("status", "result", "error", "reason", "exit_code", "attempts", "seconds", "items", "tasks"),
    *("items_per_task", "reclaims", "lost_seconds", "reclaim_seconds", "finished_at", "expires_at"),
    *("submitted_at", "queued_at", "content_hash", "parameters", "batch_jobs", "explained"),
    *("earlier_batch_jobs", "tally_after", "tally_succeeded", "tally_recorded", "tally_complete"),
    *("attempt", "attempt_items", "overrides", "succeeded", "failed", "lease_owner"),
    *("lease_expires_at", "retry_owner", "retry_expires_at"),
)
ATTRIBUTES = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8)

SORT_KEYS = (
    st.builds(lambda text: f"RESULT#{text}", st.text(st.characters(codec="utf-8"), max_size=4))
    | st.sampled_from(
        [
            "UNIVERSE#00000000",
            "UNIVERSE#00000001",
            "UNIVERSE#0000000x",
            "UNIVERSE#99999999",
            "ATTEMPTS#01#00000000",
            "ATTEMPTS#",
            "ATTEMPT#02#UNIVERSE#00000000",
            "RESULT#",
        ]
    )
).filter(lambda key: not key.startswith("RESULT#item-"))

# A record of a job that is right but for what is changed in it.
RECORD: dict[str, Any] = {
    "status": {"S": "SUBMITTED"},
    "created_at": {"S": "2026-09-21T14:13:21.000000Z"},
    "listing": {"S": "JOB"},
    "items": {"N": "4"},
    "items_per_task": {"N": "1"},
    "tasks": {"N": "4"},
    "content_hash": {"S": "hash"},
    "parameters": {"S": "{}"},
    "submitted_at": {"S": "2026-09-21T14:13:22.000000Z"},
    "batch_jobs": {
        "L": [{"M": {"id": {"S": "batch-1"}, "first_task": {"N": "0"}, "tasks": {"N": "4"}}}]
    },
}
RECORDS = st.builds(
    lambda changed, dropped, status: {
        name: value
        for name, value in (RECORD | {"status": {"S": status}} | changed).items()
        if name not in dropped
    },
    ATTRIBUTES,
    st.sets(st.sampled_from(sorted(set(RECORD) - {"listing", "created_at"})), max_size=2),
    st.sampled_from([*Status, "LOST"]),
) | st.builds(lambda attributes: RECORD | attributes, ATTRIBUTES)


def write(table: JobStore, job_id: str, sort_key: str, attributes: dict[str, Any]) -> bool:
    """Put an item; tell whether DynamoDB takes it."""
    item: Any = {"job_id": {"S": job_id}, "item": {"S": sort_key}, **attributes}
    try:
        table.client.put_item(TableName=table.name, Item=item)
    except ClientError:
        return False
    return True


def result_of(value: object) -> dict[str, Any]:
    """The attributes of a result that is right."""
    return {"status": {"S": "SUCCEEDED"}, "result": {"S": json.dumps(value)}}
