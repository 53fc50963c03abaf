"""What a job looks like in the job table, for the tests of the runner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import boto3


class Jobs:
    """The job table, as the receiver fills it and as a reader of results sees it."""

    def __init__(self) -> None:
        self.table = boto3.resource("dynamodb").create_table(
            TableName="jobs",
            KeySchema=[
                {"AttributeName": "job_id", "KeyType": "HASH"},
                {"AttributeName": "item", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "job_id", "AttributeType": "S"},
                {"AttributeName": "item", "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )

    def put(self, universe: Sequence[str], parameters: str = "{}") -> None:
        """Write the job `demo` over this universe."""
        self._put("JOB", status="SUBMITTED", items=len(universe), parameters=parameters)
        for chunk in range(0, len(universe), 250):
            self._put(f"UNIVERSE#{chunk // 250:08d}", items=list(universe[chunk : chunk + 250]))

    def put_run(self, run: int, items: Sequence[str]) -> None:
        """Write another run of the job `demo`, with these items left."""
        self.table.update_item(
            Key={"job_id": "demo", "item": "JOB"},
            UpdateExpression="SET attempt_items = :items, attempt = :attempt",
            ExpressionAttributeValues={":items": len(items), ":attempt": run},
        )
        for chunk in range(0, len(items), 250):
            name = f"ATTEMPT#{run:02d}#UNIVERSE#{chunk // 250:08d}"
            self._put(name, items=list(items[chunk : chunk + 250]))

    def put_result(self, item: str, **attributes: Any) -> None:
        """Write what an earlier attempt left."""
        self._put(f"RESULT#{item}", **attributes)

    def results(self) -> dict[str, dict[str, Any]]:
        """Return the RESULT records by item."""
        return {
            str(record["item"]).removeprefix("RESULT#"): record
            for record in self.table.scan()["Items"]
            if str(record["item"]).startswith("RESULT#")
        }

    def _put(self, name: str, **attributes: Any) -> None:
        self.table.put_item(Item={"job_id": "demo", "item": name, **attributes})
