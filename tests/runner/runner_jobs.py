"""What a job looks like in the job table, for the tests of the runner, and the runner at work."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

import batchctl
from batchctl.contract import chunks, table

TABLE = "jobs"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
}
ENVIRONMENT = {
    "BATCHCTL_TABLE": TABLE,
    "BATCHCTL_JOB_ID": "demo",
    "BATCHCTL_FIRST_TASK": "0",
    "BATCHCTL_ITEMS_PER_TASK": "10",
    "BATCHCTL_RETRIES": "1",
}
DEADLINE_S = 120


class Jobs:
    """The job table, as the receiver fills it and as a reader of results sees it."""

    def __init__(self) -> None:
        self.table = boto3.resource("dynamodb").create_table(
            TableName=TABLE,
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

    def put(self, universe: Sequence[str], parameters: str = "{}", chunk: int = 250) -> None:
        """Write the job `demo` over this universe."""
        self._put("JOB", status="SUBMITTED", items=len(universe), parameters=parameters)
        for start in range(0, len(universe), chunk):
            name = f"UNIVERSE#{start // chunk:08d}"
            self._put(name, items=list(universe[start : start + chunk]))

    def put_chunks(self, items: Sequence[str], own: Mapping[int, str], chunk: int) -> None:
        """Write a universe in which items have parameters of their own, as the receiver does."""
        for start in range(0, len(items), chunk):
            part = items[start : start + chunk]
            theirs = {at: own[start + at] for at in range(len(part)) if start + at in own}
            boto3.client("dynamodb").put_item(
                TableName=TABLE,
                Item={
                    **table.key("demo", table.chunk_key(start // chunk)),
                    **chunks.attributes(part, theirs, packed=True),
                },
            )

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
        self.table.put_item(Item={"job_id": "demo#RESULTS", "item": f"RESULT#{item}", **attributes})

    def results(self) -> dict[str, dict[str, Any]]:
        """Return the RESULT records by item."""
        return {
            str(record["item"]).removeprefix("RESULT#"): record
            for record in self.table.scan()["Items"]
            if record["job_id"] == "demo#RESULTS"
        }

    def statuses(self) -> dict[str, str]:
        """Return how each item that has a result ended: its reason where it failed."""
        return {
            item: str(record.get("reason", record["status"]))
            for item, record in sorted(self.results().items())
        }

    def progress(self, run: int = 1, task: int = 0) -> bytes:
        """Return the cells of a task's progress record."""
        key = {"job_id": "demo#PROGRESS", "item": f"{run:02d}#{task:08d}"}
        return bytes(self.table.get_item(Key=key)["Item"]["cells"].value)  # type: ignore[union-attr]

    def _put(self, name: str, **attributes: Any) -> None:
        self.table.put_item(Item={"job_id": "demo", "item": name, **attributes})


@dataclass(frozen=True)
class Ended:
    """A runner that has ended: its exit status, and what it wrote."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The lines of its log."""
        return [json.loads(line) for line in self.out.splitlines()]

    def printed(self, item: str | None) -> list[str]:
        """Return what an item has printed; None: what was printed at the import."""
        return [
            line["message"] for line in self.lines if "message" in line and line.get("item") == item
        ]

    def of(self, item: str) -> dict[str, Any]:
        """Return the line of an item's end."""
        return next(line for line in self.lines if line.get("item") == item and "status" in line)


@dataclass(frozen=True)
class Runner:
    """Starts the runner, as a container would: a program of its own in the folder of compute.py."""

    folder: Path
    endpoint: str

    def compute(self, text: str) -> None:
        """Write compute.py."""
        (self.folder / "compute.py").write_text(textwrap.dedent(text))

    def environment(self, **more: str) -> Mapping[str, str]:
        """Return the variables that a container has."""
        path = os.pathsep.join([str(Path(batchctl.__file__).parents[1])])
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        tmp = self.folder / "tmp"
        tmp.mkdir(exist_ok=True)
        return {
            **kept,
            **CREDENTIALS,
            **ENVIRONMENT,
            "AWS_ENDPOINT_URL": self.endpoint,
            "PYTHONPATH": path,
            "TMPDIR": str(tmp),
            **more,
        }

    @contextmanager
    def started(self, **more: str) -> Iterator[subprocess.Popen[str]]:
        """Start it; it is ended at the latest with the test."""
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "batchctl.runner"],
            cwd=self.folder,
            env=self.environment(**more),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.communicate()

    def run(self, **more: str) -> Ended:
        """Run it to its end."""
        with self.started(**more) as process:
            return ended(process)


def ended(process: subprocess.Popen[str]) -> Ended:
    """Wait for a runner's end; what it started may not outlive that by holding its output."""
    out, err = process.communicate(timeout=DEADLINE_S)
    return Ended(process.returncode, out, err)
