"""How long `up`, a no-op `up`, one changed attribute and `down` take, as a user runs them.

Real processes of the command line work on moto in another process, each API call 120 ms slower.
Prints a table and, as the last line, the same as JSON. See docs/benchmarks.md.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from builder import install
from critical_path import read_trace
from surroundings import environment, free_port

HERE = Path(__file__).parent
CONFIG = "compute: {{builder: podman}}\napi: {{mode: {api_mode}}}\n"
# The key of config.yaml that the third run changes: one attribute of the queue of jobs.
CHANGED = CONFIG + "queue: {{retention_days: 3}}\n"
DELAY_MS = 120


@dataclass(frozen=True)
class Figures:
    """What one command took."""

    command: str
    wall_s: float
    cpu_s: float
    calls: int
    writes: int
    critical_path_s: float
    calls_in_chain: int
    ratio: float


def measure(name: str, folder: Path, around: dict[str, str], *arguments: str) -> Figures:
    """Run one command in `folder` to its end and return its figures."""
    record = folder / f"{name.replace(' ', '-')}.json"
    command = [sys.executable, str(HERE / "traced.py"), str(record), *arguments]
    started, cpu_s = time.monotonic(), _cpu_of_children_s()
    ended = subprocess.run(command, cwd=folder, env=around, capture_output=True, check=False)
    wall_s = time.monotonic() - started
    assert ended.returncode == 0, ended.stderr.decode()
    trace = read_trace(record)
    path_s, chain = trace.critical_path
    return Figures(
        command=name,
        wall_s=round(wall_s, 2),
        cpu_s=round(_cpu_of_children_s() - cpu_s, 2),
        calls=len(trace.calls),
        writes=trace.writes,
        critical_path_s=round(path_s, 2),
        calls_in_chain=chain,
        ratio=round(wall_s / path_s, 2),
    )


def _cpu_of_children_s() -> float:
    """Return the processor time of the processes that have ended, which a busy machine keeps."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure_all(folder: Path, around: dict[str, str], api_mode: str) -> Iterator[Figures]:
    """Yield the figures of the four commands, run one after the other."""
    config = folder / "config.yaml"
    config.write_text(CONFIG.format(api_mode=api_mode), encoding="utf-8")
    yield measure("first up", folder, around, "up", "--yes")
    yield measure("no-op up", folder, around, "up", "--yes")
    config.write_text(CHANGED.format(api_mode=api_mode), encoding="utf-8")
    yield measure("one change", folder, around, "up", "--yes")
    yield measure("down", folder, around, "down", "--yes")


@contextmanager
def far_away(delay_ms: float) -> Iterator[dict[str, str]]:
    """Run moto with that delay; the block gets the environment in which commands find it."""
    port = free_port()
    command = [sys.executable, str(HERE / "moto_gateway.py"), str(port), str(delay_ms)]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE) as gateway:
        try:
            assert gateway.stdout is not None
            assert gateway.stdout.readline() == b"ready\n"
            yield {**environment(), "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
        finally:
            gateway.terminate()


def show(figures: Sequence[Figures]) -> None:
    """Print the table, then one line of JSON."""
    titles = (
        "command",
        "wall s",
        "cpu s",
        "calls",
        "writes",
        "critical path s",
        "in chain",
        "ratio",
    )
    print("  ".join(f"{title:>15}" for title in titles))
    for each in figures:
        print("  ".join(f"{value!s:>15}" for value in asdict(each).values()))
    print(json.dumps([asdict(each) for each in figures]))


def main() -> None:
    """Measure and print."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--delay-ms", type=float, default=DELAY_MS, help="added to each API call")
    parser.add_argument("--api-mode", choices=("alb", "restapi"), default="alb")
    parser.add_argument("--keep", type=Path, help="write the traces to this folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary, far_away(options.delay_ms) as around:
        folder = options.keep or Path(temporary)
        folder.mkdir(exist_ok=True)
        with_builder = {**around, "PATH": install(Path(temporary))}
        show(list(measure_all(folder, with_builder, options.api_mode)))


if __name__ == "__main__":
    main()
