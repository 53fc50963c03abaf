"""What jobs cost: calls, time and memory of the functions by size, and a big job from end to end.

    python bench/jobs.py                   # all
    python bench/jobs.py --sizes-only      # without the local cloud
    python bench/jobs.py --items 10000 --items-per-task 100

Prints tables and, as the last line, the same as JSON. See docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surroundings import environment, free_port, run

from batchctl.local.batch.running.memory import held_by_all, held_by_one

SIZES = (1, 2, 10_000, 10_001, 1_000_000)
FUNCTIONS = ("receiver", "splitter")
SAMPLE_S = 0.5


def sizes() -> list[dict[str, Any]]:
    """Return the figures of each function for each size, every one in a process of its own."""
    return [
        {"items": items, "function": function, **_handler_calls(function, items)}
        for items in SIZES
        for function in FUNCTIONS
    ]


def _handler_calls(function: str, items: int) -> dict[str, Any]:
    script = Path(__file__).with_name("handler_calls.py")
    done = subprocess.run(
        [sys.executable, str(script), function, str(items)],
        env=environment(),
        capture_output=True,
        check=True,
    )
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


@dataclass
class Memory:
    """What a process, and it with all that it has started, held at most, in MiB."""

    pid: int
    own_mib: float = 0.0
    all_mib: float = 0.0
    is_over: bool = False

    def sample(self) -> None:
        """Poll until `is_over`."""
        while not self.is_over:
            self.own_mib = max(self.own_mib, held_by_one(self.pid))
            self.all_mib = max(self.all_mib, held_by_all(self.pid))
            time.sleep(SAMPLE_S)


def big_job(folder: Path, items: int, items_per_task: int) -> dict[str, Any]:
    """Run a job of so many items on a local cloud of its own, and return its figures."""
    (folder / "config.yaml").write_text(
        f"api: {{port: {free_port()}}}\nlocal: {{gateway_port: {free_port()}}}\n"
        f"compute: {{items_per_task: {items_per_task}}}\n",
        encoding="utf-8",
    )
    universe = "".join(f"S{number:06d}\n" for number in range(items))
    (folder / "universe.txt").write_text(universe, encoding="utf-8")
    try:
        run(folder, "--local", "up", "--yes")
        return _measured(folder, items)
    finally:
        run(folder, "local", "stop")


def _measured(folder: Path, items: int) -> dict[str, Any]:
    cloud = json.loads(run(folder, "local", "status", "--json"))
    memory = Memory(cloud["pid"])
    sampler = threading.Thread(target=memory.sample)
    sampler.start()
    started = time.monotonic()
    arguments = ("--universe-file", "universe.txt", "--param", "paths=100", "--wait")
    run(folder, "--local", "submit", "--job-id", "big", *arguments)
    ended = time.monotonic()
    rows = run(folder, "--local", "results", "big", "--format", "csv").splitlines()
    read = time.monotonic()
    memory.is_over = True
    sampler.join()
    succeeded = sum(",SUCCEEDED," in row for row in rows)
    assert succeeded == items, f"{succeeded} of {items} items have succeeded"
    return {
        "items": items,
        "seconds": round(ended - started, 1),
        "items_per_second": round(items / (ended - started)),
        "seconds_to_read_the_results": round(read - ended, 1),
        "cloud_mib": round(memory.own_mib),
        "all_mib": round(memory.all_mib),
        "tasks": _tasks(folder),
    }


def _tasks(folder: Path) -> dict[str, int]:
    shown = json.loads(run(folder, "--local", "show", "big", "--json"))
    tasks: dict[str, int] = shown["tasks"]
    return tasks


def _print_sizes(found: list[dict[str, Any]]) -> None:
    print(f"{'items':>9} {'function':<9} {'calls':<58} {'seconds':>7} {'peak MiB':>8}")
    for each in found:
        calls = ", ".join(f"{count} {name}" for name, count in each["calls"].items())
        row = f"{each['items']:>9} {each['function']:<9} {calls:<58}"
        print(f"{row} {each['seconds']:>7} {each['peak_mib']:>8}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes-only", action="store_true", help="leave the local cloud out")
    parser.add_argument("--items", type=int, default=10_000, help="of the big job")
    parser.add_argument("--items-per-task", type=int, default=100, help="of the big job")
    given = parser.parse_args()
    found: dict[str, Any] = {"sizes": sizes()}
    _print_sizes(found["sizes"])
    if not given.sizes_only:
        with tempfile.TemporaryDirectory() as folder:
            found["big_job"] = big_job(Path(folder), given.items, given.items_per_task)
        for name, figure in found["big_job"].items():
            print(f"{name:<28} {figure}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
