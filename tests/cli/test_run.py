"""`batchctl run`: one item here, called as a task calls it, without any cloud."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from calls import Calls
from click.testing import Result

Batchctl = Callable[..., Result]

COMPUTE = """
import os

def setup(parameters):
    print("setting up")
    return {"doubled": parameters.get("n", 0) * 2}

def compute(item, parameters, context):
    if item == "raise":
        return prices_of(item)
    if item == "set":
        return {"names": {1}}
    if item == "exit":
        os._exit(3)
    if item == "abort":
        os.abort()
    if item == "sleep":
        import time
        time.sleep(60)
    if item == "import":
        import not_installed_here
    if item == "memory":
        return {"bytes": len(bytearray(80 * 2**20))}
    return {"item": item, "n": parameters.get("n"), **context, "desk": os.environ.get("DESK")}

def prices_of(item):
    raise ValueError("no prices")
"""


@pytest.fixture
def compute(folder: Path) -> Path:
    """A compute.py of the user's own."""
    path = folder / "compute" / "compute.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text(COMPUTE)
    return path


def configure(folder: Path, **compute: object) -> None:
    (folder / "config.yaml").write_text(json.dumps({"compute": compute}))


@pytest.mark.usefixtures("compute")
def test_the_result_is_json_on_stdout_and_what_compute_prints_on_stderr(
    batchctl: Batchctl, folder: Path, capfd: pytest.CaptureFixture[str], calls: Calls
) -> None:
    configure(folder, environment={"DESK": "risk"})

    ran = batchctl("run", "AAPL", "--param", "n=4")

    assert ran.exit_code == 0, ran.stderr
    assert json.loads(ran.stdout) == {"item": "AAPL", "n": 4, "doubled": 8, "desk": "risk"}
    assert capfd.readouterr().err == "setting up\n"
    assert calls.made == [], "no cloud is asked for anything"


@pytest.mark.usefixtures("compute")
def test_a_traceback_begins_in_the_users_own_code(
    batchctl: Batchctl, compute: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    ran = batchctl("run", "raise")

    shown = capfd.readouterr().err
    assert ran.exit_code == 1
    assert "in prices_of" in shown
    assert shown.count("File ") == shown.count(f'File "{compute}"') == 2
    line = COMPUTE.splitlines().index('    raise ValueError("no prices")') + 1
    where = f"(compute.py, line {line}, in prices_of)"
    assert f"error: item `raise` failed: ValueError: no prices {where}" in ran.stderr


@pytest.mark.usefixtures("compute")
@pytest.mark.parametrize(
    ("item", "reason", "error"),
    [
        ("set", "EXCEPTION", "result.names: set is no JSON (return `sorted(…)`)"),
        ("exit", "EXIT_CODE", "compute ended its process with exit status 3 before it returned"),
        ("abort", "EXIT_CODE", "its process was killed by SIGABRT before compute returned"),
        ("sleep", "TIMEOUT", "it took longer than `compute.timeout_s`, 1 s"),
    ],
)
def test_what_no_task_would_keep_fails_with_the_reason_that_a_job_records(
    batchctl: Batchctl, folder: Path, item: str, reason: str, error: str
) -> None:
    configure(folder, timeout_s=1 if item == "sleep" else 60)

    ran = batchctl("run", item, "--json")

    outcome = json.loads(ran.stdout)
    assert ran.exit_code == 1
    assert (outcome["status"], outcome["reason"], outcome["error"]) == ("FAILED", reason, error)
    assert "result" not in outcome


@pytest.mark.usefixtures("compute")
def test_a_missing_module_says_how_to_install_it(batchctl: Batchctl) -> None:
    ran = batchctl("run", "import")
    assert "No module named 'not_installed_here'" in ran.stderr
    assert "`pip install -r compute/requirements.txt`" in ran.stderr


@pytest.mark.usefixtures("compute")
def test_more_memory_than_a_task_has_is_warned_of(batchctl: Batchctl, folder: Path) -> None:
    configure(folder, memory_mib=64)
    ran = batchctl("run", "memory")
    assert ran.exit_code == 0
    assert "with `compute.memory_mib: 64` its task is killed" in ran.stderr


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["x" * 257], "could not run the item: `item` must have 1 to 256 characters, has 257"),
        (["A", "--param", "n"], "could not read `--param n`: it must be `KEY=VALUE`"),
        (["A", "--param", "n=" + "x" * 20_000], "could not run the item: `parameters` must have"),
    ],
)
def test_what_no_job_could_have_is_refused(
    batchctl: Batchctl, arguments: list[str], error: str
) -> None:
    ran = batchctl("run", *arguments)
    assert ran.exit_code == 2
    assert error in ran.stderr


@pytest.mark.usefixtures("folder")
def test_without_a_compute_folder_the_sample_runs(batchctl: Batchctl) -> None:
    ran = batchctl("run", "AAPL", "--param", "paths=100")
    assert json.loads(ran.stdout)["source"] == "prices"


@pytest.mark.usefixtures("compute")
def test_an_item_of_a_file_has_its_own_parameters(batchctl: Batchctl, folder: Path) -> None:
    (folder / "rows.csv").write_text("symbol,n\nAAPL,4\nMSFT,5\n")
    ran = batchctl("run", "MSFT", "--universe-file", "rows.csv", "--param", "n=1")
    assert json.loads(ran.stdout) == {"item": "MSFT", "n": 5, "doubled": 2, "desk": None}
    missing = batchctl("run", "IBM", "--universe-file", "rows.csv")
    assert (missing.exit_code, "has no item `IBM`" in missing.stderr) == (2, True)
