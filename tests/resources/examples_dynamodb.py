"""Examples of the DynamoDB kinds."""

from __future__ import annotations

import dataclasses

from example import Example

from batchctl.engine.plan import Action
from batchctl.resources.dynamodb.tables import Table

table = Table(
    label="jobs",
    name="batchapp-jobs",
    partition_key="job_id",
    sort_key="item",
    index_name="by_created_at",
    index_partition_key="listing",
    index_sort_key="created_at",
    index_projection=("status", "items", "tasks", "finished_at"),
)

EXAMPLES = [
    Example(table, dataclasses.replace(table, index_projection=("status",))),
    Example(
        dataclasses.replace(table, label="bounded", name="batchapp-bounded", max_write_units=100),
        dataclasses.replace(table, label="bounded", name="batchapp-bounded"),
    ),
    Example(
        dataclasses.replace(table, label="open", name="batchapp-open", deletion_protection=False),
        dataclasses.replace(
            table, label="open", name="batchapp-open", point_in_time_recovery=False
        ),
    ),
    Example(
        dataclasses.replace(
            table, label="kept", name="batchapp-kept", expiry_attribute="expires_at"
        ),
        dataclasses.replace(table, label="kept", name="batchapp-kept"),
    ),
    Example(
        dataclasses.replace(table, label="keyed", name="batchapp-keyed"),
        dataclasses.replace(table, label="keyed", name="batchapp-keyed", sort_key="part"),
        Action.REPLACE,
    ),
]
