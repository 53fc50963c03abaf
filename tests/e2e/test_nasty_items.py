"""What one item does costs that item alone: the whole application, and one job of the worst items.

Each item stands for a report of what ended other systems' tasks, or their neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from application import Application
from own_compute import put_compute

pytestmark = pytest.mark.e2e

COMPUTE = """
import ctypes, email, math, multiprocessing, os, signal, subprocess, sys, threading, time

def compute(item, parameters):
    kind = item.partition("-")[0]
    return globals()[kind](item)

def good(item): return {"ok": item}
def exits0(item): os._exit(0)
def libexits0(item): ctypes.CDLL(None).exit(0)
def exits3(item): sys.exit(3)
def segfault(item): ctypes.string_at(0)
def sigkill(item): os.kill(os.getpid(), signal.SIGKILL)
def killgroup(item): os.killpg(0, signal.SIGKILL)
def thread(item):
    threading.Thread(target=time.sleep, args=(3600,)).start()
    return {"ok": item}
def daemon(item):
    subprocess.Popen(["sleep", "3600"], start_new_session=True)
    return {"ok": item}
def stdout(item):
    sys.stdout.close(); os.close(1)
    return {"ok": item}
def stderr(item):
    sys.stderr.close(); os.close(2)
    raise ValueError("no price")
def alldescriptors(item):
    os.closerange(3, 1000)
    return {"ok": item}
def fork(item):
    os.fork()
    return {"ok": item}
def forkexits(item):
    if os.fork() == 0:
        sys.exit(0)
    return {"ok": item}
def pool(item):
    with multiprocessing.get_context("fork").Pool(2) as workers:
        return {"sum": sum(workers.map(abs, [-1, -2]))}
def deep(item):
    value = {}
    for _ in range(990):
        value = {"a": value}
    return value
def keys(item): return {1: "x", "1": "y"}
def nan(item): return {"sharpe": math.nan, "drawdown": -math.inf}
def noresult(item): return {"sharpe": {1, 2}}
def raises(item): raise RuntimeError("no data")
def hangs(item): time.sleep(3600)
def chdir(item):
    os.chdir("/")
    return {"ok": item}
def beside(item): return {"of": email.of}
def ignores(item):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return {"ok": item}
def surrogate(item): return {"text": chr(0xd800)}
"""

EXPECTED: dict[str, tuple[str | None, str | dict[str, Any]]] = {
    "exits0": ("EXIT_CODE", "exit status 0 before it returned"),
    "libexits0": ("EXIT_CODE", "exit status 0 before it returned"),
    "exits3": ("EXCEPTION", "SystemExit: 3"),
    "segfault": ("EXIT_CODE", "SIGSEGV"),
    "sigkill": ("EXIT_CODE", "SIGKILL"),
    "killgroup": ("EXIT_CODE", "SIGKILL"),
    "thread": (None, {"ok": "thread"}),
    "daemon": (None, {"ok": "daemon"}),
    "stdout": (None, {"ok": "stdout"}),
    "stderr": ("EXCEPTION", "ValueError: no price"),
    "alldescriptors": ("EXIT_CODE", "before it returned"),
    "fork": (None, {"ok": "fork"}),
    "forkexits": (None, {"ok": "forkexits"}),
    "pool": (None, {"sum": 3}),
    "deep": ("EXCEPTION", "deep"),
    "keys": ("EXCEPTION", "1"),
    "nan": (None, {"sharpe": None, "drawdown": None}),
    "noresult": ("EXCEPTION", "result.sharpe: set"),
    "raises": ("EXCEPTION", "RuntimeError: no data"),
    "hangs": ("TIMEOUT", "longer than"),
    "chdir": (None, {"ok": "chdir"}),
    "beside": ("EXCEPTION", "not `email.py` beside compute.py: rename it"),
    "ignores": (None, {"ok": "ignores"}),
    "surrogate": ("EXCEPTION", "surrogate"),
}
"""Of each kind of item: the reason of its failure and what its error says, or its result."""


@pytest.fixture(scope="module")
def nasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """The application, up, with that compute.py and a module beside it that shadows Python's."""
    folder = tmp_path_factory.mktemp("nasty")
    put_compute(folder, COMPUTE)
    (folder / "compute" / "email.py").write_text('of = "mine"\n', encoding="utf-8")
    application = Application.make(folder, "compute: {retries: 1, timeout_s: 20}\n")
    try:
        application.local("up", "--yes")
        yield application
    finally:
        application.run("local", "stop")


@pytest.mark.exhaustive
def test_each_item_costs_itself_alone(nasty: Application) -> None:
    """All in one task, and a good item behind each bad one."""
    universe = [name for kind in EXPECTED for name in (kind, f"good-{kind}")]
    nasty.local(
        "submit", "--job-id", "nasty", "--items-per-task", "100", "--universe", ",".join(universe)
    )
    job = nasty.ended("nasty")
    results = nasty.results("nasty")

    assert job["status"] == "FAILED"
    assert set(results) == set(universe)
    for name in universe:
        if name.startswith("good-"):
            assert results[name]["result"] == {"ok": name}, results[name]
    found = {kind: _end(results[kind]) for kind in EXPECTED}
    wrong = {
        kind: found[kind] for kind, expected in EXPECTED.items() if not _is(found[kind], expected)
    }
    assert wrong == {}
    failed = [kind for kind, (reason, _) in EXPECTED.items() if reason is not None]
    assert job["item_counts"] == {
        "total": len(universe),
        "pending": 0,
        "running": 0,
        "succeeded": len(universe) - len(failed),
        "failed": len(failed),
    }


def _end(row: dict[str, Any]) -> tuple[str | None, Any]:
    if row["status"] == "SUCCEEDED":
        return None, row["result"]
    return row["reason"], row["error"]


def _is(found: tuple[str | None, Any], expected: tuple[str | None, Any]) -> bool:
    if expected[0] is None:
        return found == expected
    return found[0] == expected[0] and expected[1] in str(found[1])
