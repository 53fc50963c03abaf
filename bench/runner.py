"""What the runner costs: a process for each item, and a table that takes fewer writes than come.

    .venv/bin/python bench/runner.py items             # trivial items through one task
    .venv/bin/python bench/runner.py items --hold 200  # with 200 MiB that setup has loaded
    .venv/bin/python bench/runner.py burst             # 90 tasks on a partition a fifth as fast

Real runners against a DynamoDB that answers at once and keeps nothing but the first record of an
item. Prints a table and, as the last line, the same as JSON. See docs/benchmarks.md.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "runner"))

from dynamodb_http import DynamoDbServer, serving

from batchctl.runner.job_table import JobTable, Outcome
from batchctl.runner.recording import Recorder, Written
from batchctl.runner.task import dynamodb_client

REPOSITORY = Path(__file__).parent.parent
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
}
COMPUTE = """
HELD = None

def setup(parameters):
    global HELD
    HELD = bytearray(parameters["hold_mib"] * 2**20)
    HELD[::4096] = b"x" * len(HELD[::4096])

def compute(item, parameters):
    return {"item": item}
"""


class Table(DynamoDbServer):
    """A job table with one job of so many items, which takes `limit` writes a second."""

    def __init__(self, items: int, parameters: dict[str, Any], limit: float | None = None) -> None:
        """Have nothing recorded yet; without a limit every write is taken."""
        super().__init__()
        self.items, self.parameters, self.limit = items, parameters, limit
        self.recorded: set[str] = set()
        self.answered: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._tokens, self._at = limit or 0.0, time.monotonic()

    def answer(
        self, operation: str, headers: list[tuple[str, str]], body: bytes
    ) -> tuple[int, bytes]:
        """Return status and body for a request."""
        del headers
        status, answer = self._answer(operation, json.loads(body))
        return status, json.dumps(answer).encode()

    def _answer(self, operation: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        with self._lock:
            if operation == "BatchGetItem":
                return 200, {"Responses": {"jobs": list(self._found(request))}}
            if not self._has_room():
                self.answered["throttled"] += 1
                return 400, {"__type": "x#ThrottlingException", "message": "slow down"}
            self.answered["written"] += 1
            if "status" in request["Item"]:
                self.recorded.add(request["Item"]["item"]["S"])
            return 200, {}

    def _found(self, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for key in request["RequestItems"]["jobs"]["Keys"]:
            name = key["item"]["S"]
            if name == "JOB":
                text = json.dumps(self.parameters)
                yield {"item": {"S": name}, "items": {"N": str(self.items)}} | {
                    "parameters": {"S": text}
                }
            elif name.startswith("UNIVERSE"):
                start = 250 * int(name[-8:])
                found = range(start, min(start + 250, self.items))
                yield {"item": {"S": name}, "items": {"L": [{"S": f"S{at}"} for at in found]}}

    def _has_room(self) -> bool:
        if self.limit is None:
            return True
        now = time.monotonic()
        self._tokens = min(self.limit, self._tokens + (now - self._at) * self.limit)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def run_items(count: int, hold_mib: int) -> dict[str, float]:
    """Run a task of so many trivial items on one core; return wall and processor time in seconds.

    The table has the other core, where there is one.
    """
    with (
        serving(Table(count, {"hold_mib": hold_mib})) as table,
        tempfile.TemporaryDirectory() as folder,
    ):
        Path(folder, "compute.py").write_text(COMPUTE)
        environment = {
            **os.environ,
            **CREDENTIALS,
            "AWS_ENDPOINT_URL": table.endpoint,
            "PYTHONPATH": str(REPOSITORY),
        }
        arguments = ["--table=jobs", "--job-id=demo", "--first-task=0", f"--items-per-task={count}"]
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        core = min(os.sched_getaffinity(0))
        subprocess.run(
            [
                *("taskset", "--cpu-list", str(core)),
                *(sys.executable, "-P", "-m", "batchctl.runner", *arguments),
            ],
            cwd=folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        wall_s = time.monotonic() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert len(table.recorded) == count
        cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return {"wall_s": wall_s, "cpu_s": cpu_s}


def items(options: Namespace) -> dict[str, float]:
    """Measure what an item costs beside what it computes: the difference of two tasks."""
    few, many = run_items(10, options.hold), run_items(options.items + 10, options.hold)
    wall_s, cpu_s = (many[name] - few[name] for name in ("wall_s", "cpu_s"))
    return {
        "items": options.items,
        "hold_mib": options.hold,
        "start_wall_s": round(few["wall_s"], 2),
        "start_cpu_s": round(few["cpu_s"], 2),
        "items_a_second": round(options.items / wall_s),
        "wall_ms_an_item": round(1000 * wall_s / options.items, 2),
        "cpu_ms_an_item": round(1000 * cpu_s / options.items, 2),
    }


def burst(options: Namespace) -> dict[str, float]:
    """Have many tasks record at once what one partition takes a fifth of; count what is lost."""
    os.environ |= CREDENTIALS
    lost: list[Written] = []
    with serving(Table(0, {}, options.limit)) as table:
        os.environ["AWS_ENDPOINT_URL"] = table.endpoint
        tables = [JobTable(dynamodb_client(), "jobs") for _ in range(options.tasks)]
        began = time.monotonic()

        def task(number: int) -> None:
            jobs = tables[number]
            recorder = Recorder(
                lambda item, outcome: jobs.record("demo", item, outcome),
                lambda written: lost.append(written) if written.error else None,
                time.monotonic() + 3600,
                time.monotonic,
            )
            recorder.start(2)
            for at in range(options.items):
                time.sleep(options.work)
                recorder.put(at, f"{number}-{at}", Outcome("{}", None, 1, options.work))
            while recorder.waiting:
                time.sleep(0.05)

        with ThreadPoolExecutor(options.tasks) as pool:
            list(pool.map(task, range(options.tasks)))
        return {
            "tasks": options.tasks,
            "items": options.items * options.tasks,
            "writes_a_second": options.limit,
            "wall_s": round(time.monotonic() - began, 1),
            "recorded": len(table.recorded),
            "lost": len(lost),
            "throttled": table.answered["throttled"],
        }


def main() -> None:
    """Measure what is asked for, and print it."""
    parser = ArgumentParser(description=__doc__)
    modes = parser.add_subparsers(required=True)
    one = modes.add_parser("items")
    one.add_argument("--items", type=int, default=1000)
    one.add_argument("--hold", type=int, default=0, help="MiB that setup loads")
    one.set_defaults(measure=items)
    other = modes.add_parser("burst")
    other.add_argument("--tasks", type=int, default=90)
    other.add_argument("--items", type=int, default=30)
    other.add_argument("--work", type=float, default=0.3, help="seconds that an item takes")
    other.add_argument("--limit", type=float, default=60, help="writes a second")
    other.set_defaults(measure=burst)
    options = parser.parse_args()
    figures = options.measure(options)
    for name, value in figures.items():
        print(f"{name:>18} {value:>10}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
