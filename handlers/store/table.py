"""One DynamoDB table, and the one way in which a JOB record is changed: under a condition."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from batchctl.contract.statuses import Status
from batchctl.contract.table import Item, key, number, text

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_NAME = re.compile(r"#(\w+)")


@dataclass(frozen=True)
class Condition:
    """What a record must say for a change: `#name` stands for an attribute, values are `:if_…`."""

    expression: str
    values: Item

    def __and__(self, other: Condition) -> Condition:
        """Return the condition that both hold."""
        return Condition(
            f"({self.expression}) AND ({other.expression})", self.values | other.values
        )


@dataclass(frozen=True)
class Change:
    """The attributes of a record that are set, and those that are removed."""

    sets: Item
    removes: tuple[str, ...] = ()

    def __add__(self, other: Change) -> Change:
        """Return the change that does both."""
        return Change(self.sets | other.sets, self.removes + other.removes)

    @property
    def expression(self) -> str:
        """The update expression, in which `#name` stands for an attribute, `:name` for a value."""
        sets = ", ".join(f"#{name} = :{name}" for name in self.sets)
        removes = ", ".join(f"#{name}" for name in self.removes)
        return " ".join(
            f"{verb} {what}" for verb, what in (("SET", sets), ("REMOVE", removes)) if what
        )

    @property
    def values(self) -> Item:
        """The values that the expression names."""
        return {f":{name}": value for name, value in self.sets.items()}


def unchanged(status: Status, run: int = 1) -> Condition:
    """Return the condition that a job still has this status, in this run."""
    is_status = Condition("#status = :if_status", {":if_status": text(status)})
    if run == 1:
        return is_status & Condition("attribute_not_exists(#attempt)", {})
    return is_status & Condition("#attempt = :if_attempt", {":if_attempt": number(run)})


@dataclass(frozen=True)
class Table:
    """A table. `clock` gives seconds since the epoch, `monotonic` those that deadlines go by.

    `sleep` takes seconds. In a function the clock is AWS's (ServiceClock).
    """

    client: DynamoDBClient
    name: str
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic

    def change(
        self,
        job_id: str,
        change: Change,
        condition: Condition,
        returns: Literal["NONE", "ALL_OLD", "ALL_NEW"] = "NONE",
    ) -> Item | None:
        """Change a JOB record; return it as it was, or is then, or nothing (`{}`).

        `None` when the condition doesn't hold, and nothing is changed.
        """
        names = _NAME.findall(change.expression + condition.expression)
        try:
            answer = self.client.update_item(
                TableName=self.name,
                Key=key(job_id),
                UpdateExpression=change.expression,
                ConditionExpression=condition.expression,
                ExpressionAttributeNames={f"#{name}": name for name in names},
                ExpressionAttributeValues=change.values | condition.values,
                ReturnValues=returns,
            )
        except self.client.exceptions.ConditionalCheckFailedException:
            return None
        return dict(answer.get("Attributes", {}))
