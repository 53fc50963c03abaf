"""What it takes to submit a million items, from a file, on the local cloud; and to run them.

    python bench/uploads.py                        # submits 1,000,000 items: plain, and as CSV
    python bench/uploads.py --items 100000 --run   # and waits until all have run

Prints seconds and memory of each as JSON, a line each. See docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from surroundings import BATCHCTL, environment, free_port, run

from batchctl.local.batch.running.memory import held_by_all

COMPUTE = "def compute(item, parameters):\n    return {'n': parameters.get('n', 0)}\n"
SAMPLE_S = 0.5


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--run", action="store_true", help="wait until the plain items have run")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as path:
        folder = Path(path)
        _write_application(folder, given.items)
        run(folder, "--local", "up", "--yes")
        try:
            _report("text", _submitted(folder, "plain-1", "items.txt"))
            _report("text, again", _submitted(folder, "plain-1", "items.txt"))
            _report("csv", _submitted(folder, "rows-1", "rows.csv"))
            if given.run:
                _report("run", _waited(folder, "plain-1"))
        finally:
            run(folder, "local", "stop")


def _write_application(folder: Path, items: int) -> None:
    (folder / "compute").mkdir()
    (folder / "compute" / "compute.py").write_text(COMPUTE)
    config = {
        "api": {"port": free_port()},
        "local": {"gateway_port": free_port()},
        "compute": {"items_per_task": 1000},
    }
    (folder / "config.yaml").write_text(json.dumps(config))
    names = [f"item-{number:07d}" for number in range(items)]
    (folder / "items.txt").write_text("\n".join(names))
    rows = (f"{name},{at},{at / 7:.3f}" for at, name in enumerate(names))
    (folder / "rows.csv").write_text("item,n,weight\n" + "\n".join(rows))


def _submitted(folder: Path, job_id: str, file: str) -> dict[str, Any]:
    return _measured(folder, "--local", "submit", job_id, "--universe-file", file)


def _waited(folder: Path, job_id: str) -> dict[str, Any]:
    figures = _measured(folder, "--local", "watch", job_id)
    shown = json.loads(run(folder, "--local", "--json", "show", job_id))
    return figures | {"status": shown["status"], "item_counts": shown["item_counts"]}


def _measured(folder: Path, *arguments: str) -> dict[str, Any]:
    """Run batchctl; return its seconds and memory, and the most that the cloud held meanwhile."""
    began = time.monotonic()
    cloud = _cloud_pid(folder)
    most = {"cloud": 0.0}
    with (folder / "time").open("w") as figures, (folder / "err").open("w") as err:
        process = subprocess.Popen(
            [sys.executable, "-c", _WITH_PEAK, *BATCHCTL[1:], *arguments],
            cwd=folder,
            env=environment(),
            stdout=figures,
            stderr=err,
        )

        def sample() -> None:
            while process.poll() is None:
                most["cloud"] = max(most["cloud"], held_by_all(cloud))
                time.sleep(SAMPLE_S)

        sampler = threading.Thread(target=sample)
        sampler.start()
        code = process.wait()
        sampler.join()
    seconds = time.monotonic() - began
    assert code == 0, (folder / "err").read_text()
    peak_kib = int((folder / "time").read_text().rpartition("peak ")[2])
    return {
        "seconds": round(seconds, 1),
        "client_mib": round(peak_kib / 1024),
        "cloud_mib": round(most["cloud"]),
    }


_WITH_PEAK = (
    "import resource, subprocess, sys; code = subprocess.call([sys.executable, *sys.argv[1:]]); "
    "print('peak', resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(code)"
)


def _cloud_pid(folder: Path) -> int:
    return int(json.loads(run(folder, "local", "status", "--json"))["pid"])


def _report(what: str, figures: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"what": what, **figures}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
